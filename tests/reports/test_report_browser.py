"""The report page in a real browser, a headless Chromium."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV

import skloss
from skloss import DenseClassifier
from skloss.datasets import make_rare_events

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOSTILE = "<script>alert(1)</script>"
# Red, green and blue from 0 to 1, of what stands in front of and behind a text.
CONTRAST = """
selector => {
  const numbers = (color) => color.match(/[0-9.]+/g).map(Number);
  const light = (color) => {
    const linear = numbers(color).slice(0, 3).map((value) => {
      value /= 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const behind = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    if (numbers(color)[3] !== 0) return color;
    return behind(element.parentElement);
  };
  return [...document.querySelectorAll(selector)].map((element) => {
    const style = getComputedStyle(element);
    const own = element.closest("svg") ? style.fill : style.color;
    const [low, high] = [light(own), light(behind(element))].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  });
}
"""


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        reason = "no Chromium is installed (on Debian: apt-get install chromium)"
        if os.environ.get("SKLOSS_NEEDS_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    # Chromium's own sandbox does not run as root, as in containers.
    options = ["--disable-dev-shm-usage"]  # small in containers
    options += ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=options)
        yield started
        started.close()


@pytest.fixture(scope="module")
def report():
    X, y = make_rare_events(1200, random_state=0)
    frame = pd.DataFrame(X, columns=[f"{HOSTILE} {i}" for i in range(X.shape[1])])
    grid = {"dropout": [0.0, 0.25], "width": [16, 4], "activation": ["tanh", "relu"]}
    search = GridSearchCV(
        DenseClassifier(epochs=3, random_state=0),
        grid,
        scoring="matthews_corrcoef",
        cv=2,
    )
    labels = np.where(y == 1, HOSTILE, "calm")
    search.fit(frame, labels)
    return skloss.report(search, X=frame, y=labels)


@pytest.fixture(scope="module")
def path(report, tmp_path_factory):
    return report.save(tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture
def opened(browser, path):
    """Open the page; what it asks for and complains of is kept."""
    pages = []

    def open_page(width=1400, **options):
        page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        pages.append(page)
        page.heard = []
        for event in ("console", "pageerror", "dialog", "request", "popup"):
            page.on(event, lambda found, event=event: page.heard.append((event, found)))
        page.goto(path.as_uri())
        return page

    yield open_page
    for page in pages:
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_without_complaint_and_asks_for_nothing(opened, path, scheme):
    page = opened(color_scheme=scheme)
    page.wait_for_load_state("networkidle")
    events = [event for event, _ in page.heard]
    assert events == ["request"], page.heard
    assert page.heard[0][1].url == path.as_uri()


def test_hostile_names_stay_text(opened):
    page = opened()
    assert page.locator("script").count() == 1
    page.get_by_text("Ranges of the columns at the input").first.click()
    assert page.get_by_role("rowheader", name=f"{HOSTILE} 0").is_visible()
    assert not [found for event, found in page.heard if event == "dialog"]


def test_only_the_pages_own_script_may_run(opened):
    page = opened()
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'),"
        " {textContent: 'window.ran = true'}))"
    )
    assert page.evaluate("window.ran") is None


@pytest.mark.parametrize("way", ["mouse", "keyboard"])
def test_a_header_sorts_its_column(opened, way):
    page = opened()
    table = page.locator("table.sortable")
    button = table.get_by_role("button", name="width")
    header = table.locator("th", has=page.get_by_role("button", name="width"))

    def sort():
        if way == "mouse":
            button.click()
        else:
            button.focus()
            page.keyboard.press("Enter")
        number = header.evaluate("cell => cell.cellIndex") + 1
        cells = table.locator(f"tbody tr > :nth-child({number})").all_inner_texts()
        return [float(text) for text in cells]

    rising, falling = sort(), sort()
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)
    assert rising != falling
    assert header.get_attribute("aria-sort") == "descending"
    sorted_by = table.locator('thead th:not([aria-sort="none"])')
    assert sorted_by.count() == 1


def test_texts_sort_by_their_letters(opened):
    page = opened()
    table = page.locator("table.sortable")
    table.get_by_role("button", name="activation").click()
    # The first column is the rank, which stands in the row's header.
    names = table.locator("tbody tr > :nth-child(2)").all_inner_texts()
    assert names == ["relu"] * 4 + ["tanh"] * 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_what_is_behind_them(opened, scheme):
    page = opened(color_scheme=scheme)
    is_dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(22, 22, 26)"
    )
    assert is_dark == (scheme == "dark")
    for selector in ("p", "h1", "h2", "td", "th", "a", "summary", "figcaption", "code"):
        found = page.evaluate(CONTRAST, selector)
        assert found, selector
        assert min(found) >= 4.5, selector
    drawn = page.evaluate(CONTRAST, "svg.ink text")
    assert drawn
    assert np.mean(drawn) > 4.5


@pytest.mark.parametrize("width", [320, 400, 1400])
def test_it_is_never_wider_than_the_window(opened, width):
    page = opened(width)
    page.evaluate(
        "document.querySelectorAll('details').forEach(d => { d.open = true })"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.evaluate(
        """() => [...document.querySelectorAll("main *")].filter((element) =>
          !element.closest(".wide") && element.scrollWidth > innerWidth).length"""
    )
    assert outside == 0


def test_a_screen_reader_has_headings_names_and_headers(opened):
    page = opened()
    assert page.get_by_role("heading", level=1).count() == 1
    titles = page.get_by_role("heading", level=2).all_inner_texts()
    assert titles[0] == "Is the classifier better than the baselines?"
    assert page.get_by_role("navigation").get_by_role("link").count() == len(titles)
    pictures = page.get_by_role("img")
    assert pictures.count() == page.locator("main svg").count() > 3
    for picture in pictures.all():
        assert len(picture.get_attribute("aria-label")) > 20
    assert page.locator("thead th:not([scope=col])").count() == 0
    assert page.locator("tbody th:not([scope=row])").count() == 0
    assert page.locator("table.sortable caption").count() == 1


def test_the_keyboard_reaches_links_headers_and_what_scrolls(opened):
    page = opened(400)
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.className.split(' ')[0]"
                " || document.activeElement.tagName"
            )
        )
    assert {"A", "BUTTON", "SUMMARY", "wide"} <= reached


def test_everything_is_printed_in_black_on_white(opened, tmp_path):
    page = opened(color_scheme="dark")
    n_closed = page.locator("details:not([open])").count()
    assert n_closed > 2
    page.evaluate(
        "addEventListener('beforeprint', () => {"
        " left = document.querySelectorAll('details:not([open])').length })"
    )
    page.emulate_media(media="print", color_scheme="dark")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    assert page.pdf(path=tmp_path / "report.pdf").startswith(b"%PDF")
    assert page.evaluate("left") == 0
    assert page.locator("details:not([open])").count() == n_closed


def test_a_notebook_has_it_in_a_frame_of_its_own(browser, report):
    page = browser.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.set_content(f"<p id='cell'>before</p>{report._repr_html_()}")
    color = "getComputedStyle(document.getElementById('cell')).fontFamily"
    inner = page.frame_locator("iframe")
    assert inner.get_by_role("heading", level=1).inner_text() == report.title
    inner.get_by_role("button", name="width").click()
    assert inner.locator("th[aria-sort=ascending] button").inner_text() == "width"
    inner.get_by_role("link", name="Configuration").click()
    assert inner.get_by_role("heading", name="Configuration").is_visible()
    assert page.locator("#cell").is_visible()
    assert "system-ui" not in page.evaluate(color)
    assert not complaints
    page.close()
