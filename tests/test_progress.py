"""What a fit says while it runs."""

import pytest

from patch_sim import progress


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_quiet_at_first_and_then_not_too_often(clock):
    lines = []
    show = progress.Progress(lines.append)
    for tick in range(50):  # every 1/16 s
        show.show(f"line {tick}")
        clock[0] += 0.0625
    assert lines[0] == "line 32"  # the first at 2 s
    assert lines == [f"line {tick}" for tick in range(32, 50, 2)]


def test_silence(clock, capsys):
    show = progress.Progress(False)
    clock[0] += 100.0
    show.show("line")
    show.close()
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_by_default_to_standard_error_with_the_time(clock, capsys):
    show = progress.Progress()
    clock[0] += 5.0
    show.show("line")
    show.close()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "  5.0 s  line\n"


def test_on_a_terminal_the_line_is_rewritten(clock, capsys, monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    show = progress.Progress()
    for line in ("a long line", "short"):
        clock[0] += 5.0
        show.show(line)
    show.close()
    assert capsys.readouterr().err == "\r  5.0 s  a long line\r 10.0 s  short" + " " * 6 + "\n"


def test_seconds(clock):
    show = progress.Progress(False)
    clock[0] += 7.5
    assert show.seconds == 7.5
