"""What a certificate says: checks that passed, failed or could not be made."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Check:
    """One question that was put to a fit.

    Attributes:
        name: what was asked.
        passed: the answer; None where it could not be asked, or where it is only told.
        said: the answer in words, with its numbers.
    """

    name: str
    passed: bool | None
    said: str

    def __str__(self) -> str:
        mark = {True: "ok", False: "NO", None: "--"}[self.passed]
        return f"{mark}  {self.name}: {self.said}"


@dataclasses.dataclass(frozen=True)
class Certificate:
    """What was checked of a fit, see `fitting.certificate`; prints as a list.

    Attributes:
        checks: in the order in which they were made.
    """

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.passed is False)

    def __str__(self) -> str:
        asked = [check for check in self.checks if check.passed is not None]
        head = f"certificate: {len(asked) - len(self.failures)} of {len(asked)} checks passed"
        return "\n".join([head, *(f"  {check}" for check in self.checks)])
