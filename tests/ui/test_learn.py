"""Lessons and calculator in a real browser; `test_lessons.py` has what the lessons say."""

import jax.numpy as jnp
import pytest
from playwright.sync_api import Page, expect

from patch_sim import electrochemistry
from patch_sim.ui.learn import CELLS, equilibria
from patch_sim.ui.lessons import LESSONS
from patch_sim.ui.session import Session


@pytest.fixture
def learn(page: Page) -> Page:
    """The page with the panel open."""
    page.get_by_role("tab", name="Learn").click()
    return page


def test_every_lesson_opens_and_can_be_walked_through(learn: Page):
    for number, lesson in enumerate(LESSONS):
        learn.click(f".lessons button >> nth={number}")
        for count, step in enumerate(lesson.steps, start=1):
            expect(learn.locator(".lesson h3")).to_have_text(f"{count}. {step.title}")
            expect(learn.locator(".setups button")).to_have_text(list(step.setups))
            expect(learn.locator(".answer")).to_be_hidden()
            learn.click(".lesson summary")
            expect(learn.locator(".answer")).to_be_visible()
            expect(learn.locator(".progress .done")).to_have_count(count)
            learn.click(".lesson [name=next]")
        expect(learn.locator(f".lessons button >> nth={number}")).to_contain_text("done")


def test_a_step_sets_up_the_rig_and_runs_it_once(learn: Page):
    runs = []
    learn.on(
        "request", lambda request: runs.append(request) if '"fn_name":"run"' in (request.post_data or "") else None
    )
    learn.get_by_role("button", name="Refractoriness").click()
    learn.click(".setups button")
    learn.wait_for_selector(".scope[data-drawn='3'][data-samples='2000'][data-busy='false']")
    expect(learn.locator(".protocol select[name=kind]")).to_have_value("pulses")
    learn.wait_for_timeout(300)  # longer than the scope waits before it runs again by itself
    assert len(runs) == 1
    learn.click("#header [name=undo]")
    learn.wait_for_selector(".scope[data-drawn='6'][data-busy='false']")


def test_calculator(learn: Page):
    expect(learn.locator("tr[data-ion='K'] td").last).to_have_text("\u221298.3")
    learn.fill("input[name='K outside']", "5")
    learn.keyboard.press("Enter")
    expect(learn.locator("tr[data-ion='K'] td").last).to_have_text("\u221288.8")
    learn.fill("input[name='other ion valence']", "0")
    learn.keyboard.press("Enter")
    expect(learn.locator(".calculator .wrong")).to_contain_text("0 is no ion")
    learn.select_option("select[name=cells]", "Squid axon")
    expect(learn.locator(".result output")).to_have_text("\u221257.1 mV")
    expect(learn.locator("tr[data-ion='Na'] td").last).to_have_text("52.4")
    expect(learn.locator(".calculator .wrong")).to_be_hidden()


@pytest.mark.parametrize("cell", CELLS)
def test_a_membrane_that_only_potassium_permeates_sits_at_its_nernst_potential(cell: str):
    numbers = CELLS[cell] | {"Na permeability": 0, "Cl permeability": 0}
    answer = equilibria(Session(), numbers)
    assert answer["ghk"] == pytest.approx(answer["nernst"]["K"], rel=1e-12)
    assert answer["thermal"] == pytest.approx(
        float(electrochemistry.thermal_voltage(jnp.asarray(CELLS[cell]["temperature"]))), rel=1e-12
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"K outside": 0}, "K outside: 0 mM is too little"),
        ({"Na inside": "salt"}, "Na inside: 'salt' is not a number in mM"),
        ({"temperature": -300}, "Temperature: -300 \u00b0C is too little"),
        ({"other ion valence": 0}, "Valence: 0 is no ion"),
        ({f"{ion} permeability": 0 for ion in ("K", "Na", "Cl")}, "at least one must be above 0"),
    ],
)
def test_wrong_numbers_are_named(changes: dict, message: str):
    with pytest.raises(ValueError, match=message):
        equilibria(Session(), CELLS["Mammalian neuron"] | changes)
