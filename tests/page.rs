//! The page in a browser: what readers do, and what must not happen. The page as text is in
//! report.rs.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::explain::mixed;
use crate::report::{many, report};
use crate::samples::Made;
use crate::situations::situations;

/// The cells that the explorer's table shows.
const NAMES: &str =
    "[...document.querySelectorAll('#explore tbody .name')].map((name) => name.textContent)";

fn situation(name: &str) -> String {
    let (_, lines) = situations().into_iter().find(|(known, _)| *known == name).expect("known");
    report(&lines)
}

fn names(browser: &mut Browser) -> Vec<String> {
    let names = browser.value(NAMES);
    names
        .as_array()
        .expect("a list")
        .iter()
        .map(|name| name.as_str().expect("a name").to_string())
        .collect()
}

fn choose(browser: &mut Browser, list: &str, value: &str) {
    browser.value(&format!(
        "(() => {{ const list = document.querySelector('#explore select[name={list}]'); list.value = '{value}'; list.dispatchEvent(new \
         Event('change')) }})()"
    ));
}

/// Clicks on the header of a column of the explorer's table and returns how it is sorted then.
fn sort(browser: &mut Browser, title: &str) -> Value {
    browser.value(&format!(
        "(() => {{ const header = [...document.querySelectorAll('#explore th')].find((th) => th.textContent === '{title}'); \
         header.querySelector('button').click(); return header.getAttribute('aria-sort') }})()"
    ))
}

#[test]
fn everything_is_there_without_script() {
    let Some(mut browser) = Browser::start("everything_is_there_without_script") else { return };
    browser.call("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    browser.open(&report(&mixed()), "");
    assert_eq!(
        browser.value("document.querySelector('main').firstElementChild.id"),
        json!("answer")
    );
    assert_eq!(
        browser.value("document.getElementById('explore').offsetHeight"),
        json!(0),
        "what needs a script is not shown"
    );
    assert_eq!(browser.value("document.getElementById('theme').offsetHeight"), json!(0));
    assert_eq!(
        browser.value("document.querySelector('#contents a[href=\"#explore\"]').offsetHeight"),
        json!(0)
    );
    let seen = "[...document.querySelectorAll('figure svg, main table')].every((it) => it.getBoundingClientRect().height > 40)";
    assert_eq!(browser.value(seen), json!(true), "figures and tables");
    assert!(browser.value("document.querySelectorAll('figure .badge').length").as_u64() > Some(1));
    browser.assert_calm("without script");
}

#[test]
fn no_situation_troubles_the_browser_or_overflows_a_window() {
    let Some(mut browser) =
        Browser::start("no_situation_troubles_the_browser_or_overflows_a_window")
    else {
        return;
    };
    for (name, lines) in situations() {
        let html = report(&lines);
        for width in [320, 360, 768, 1366, 1920] {
            browser.size(width, 900);
            browser.open(&html, "");
            let wide = browser.value("document.documentElement.scrollWidth").as_u64();
            assert!(wide <= Some(u64::from(width)), "{name}: {wide:?} of {width} pixels");
            assert_eq!(
                browser.value("document.getElementById('explore').hidden"),
                json!(false),
                "{name}"
            );
            let cells = names(&mut browser).len();
            assert!(cells > 0, "{name}");
        }
        browser.assert_calm(name);
    }
}

#[test]
fn cells_are_chosen_sorted_and_shared() {
    let Some(mut browser) = Browser::start("cells_are_chosen_sorted_and_shared") else { return };
    // Nine cells for each of three sizes and three k.
    let html = situation("many-problems");
    browser.open(&html, "");
    assert_eq!(names(&mut browser).len(), 81);
    choose(&mut browser, "k", "16");
    assert_eq!(names(&mut browser).len(), 27);
    choose(&mut browser, "rows", "100000");
    assert_eq!(names(&mut browser).len(), 9);
    browser.value("document.querySelector('#explore input[value=threads]').click()");
    let five = ["serial", "mpi 1", "mpi 2", "mpi 3", "mpi 4"];
    assert_eq!(names(&mut browser), five);
    assert_eq!(
        browser.text("document.querySelector('#explore [role=status]').textContent"),
        "5 of 81 cells."
    );
    assert_eq!(
        browser.value("document.querySelectorAll('#explore .point').length"),
        json!(5),
        "and as many points"
    );

    assert_eq!(sort(&mut browser, "speedup"), json!("ascending"));
    assert_eq!(sort(&mut browser, "speedup"), json!("descending"));
    let fastest_first = names(&mut browser);
    assert_eq!(fastest_first[0], "mpi 4");
    let speedups = "[...document.querySelectorAll('#explore tbody tr')].map((row) => Number(row.cells[[...document.querySelectorAll('#explore \
                    th')].findIndex((th) => th.textContent === 'speedup')].textContent))";
    let speedups: Vec<f64> = serde_json::from_value(browser.value(speedups)).expect("numbers");
    assert!(speedups.is_sorted_by(|a, b| a >= b) && speedups[0] > 2.0, "{speedups:?}");
    choose(&mut browser, "y", "time");

    // Whoever opens the address sees the same.
    let fragment = browser.text("location.hash");
    browser.open(&html, &fragment);
    assert_eq!(names(&mut browser), fastest_first);
    assert_eq!(browser.text("location.hash"), fragment);
    assert_eq!(browser.text("document.querySelector('#explore select[name=y]').value"), "time");
    assert!(browser.value("scrollY").as_f64() > Some(100.0), "and is taken to it");
    assert_eq!(sort(&mut browser, "speedup"), json!("none"));
    assert_eq!(names(&mut browser), five, "the third click restores the order");
    browser.value("document.querySelector('#explore .reset').click()");
    assert_eq!(names(&mut browser).len(), 81);
    browser.assert_calm("choices");

    // What an address asks for and is not here is nothing.
    browser.open(
        &html,
        "#explore?k=17&backend=%3Cb%3E&sort=__proto__&cell=%3Cscript%3E&x=constructor&y=toString",
    );
    assert_eq!(names(&mut browser).len(), 81);
    browser.assert_calm("a strange address");
}

#[test]
fn what_failed_is_there_with_its_reason() {
    let Some(mut browser) = Browser::start("what_failed_is_there_with_its_reason") else { return };
    browser.open(&report(&mixed()), "");
    sort(&mut browser, "time");
    assert_eq!(
        names(&mut browser).last().map(String::as_str),
        Some("mpi 3"),
        "without a time it comes last"
    );
    sort(&mut browser, "time");
    assert_eq!(
        names(&mut browser).last().map(String::as_str),
        Some("mpi 3"),
        "in either direction"
    );
    browser.value("[...document.querySelectorAll('#explore .name')].at(-1).click()");
    assert!(
        browser
            .text("document.querySelector('.details').textContent")
            .contains("died by signal 9 (SIGKILL)")
    );
    // Hostile words are words here too.
    browser.open(&situation("hostile"), "");
    browser.value("document.querySelector('#explore .failed .name').click()");
    assert!(
        browser
            .text("document.querySelector('.details').textContent")
            .contains("</td><script>alert(\"reason\")</script>")
    );
    assert_eq!(
        browser.value("document.querySelectorAll('main script, main img, main b').length"),
        json!(0)
    );
    browser.assert_calm("failures");
}

#[test]
fn commands_are_copied_or_selected() {
    let Some(mut browser) = Browser::start("commands_are_copied_or_selected") else { return };
    browser.open(&report(&mixed()), "");
    browser.value("Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { window.copied = text } } })");
    browser.value("[...document.querySelectorAll('#explore tbody tr')].find((row) => row.cells[0].textContent === 'mpi 2').querySelector('.copy').click()");
    browser.until("window.copied !== undefined");
    let id = browser.text("[...document.querySelectorAll('#explore tbody tr')].find((row) => row.cells[0].textContent === 'mpi 2').dataset.cell");
    let command = format!(
        "amdahl show results/sample --cell {id} > cell.json && mpiexec -n 2 --bind-to none amdahl-worker --cell cell.json --record out.json"
    );
    assert_eq!(browser.text("window.copied"), command);
    assert_eq!(
        browser.text("document.querySelector('body > [role=status]').textContent"),
        "Copied"
    );
    // Where the browser refuses, the lines are selected.
    browser.value("navigator.clipboard.writeText = () => Promise.reject(new Error('refused')); document.execCommand = () => false; 1");
    browser.value("document.querySelector('#explore tbody .copy').click()");
    browser.until("getSelection().toString() !== ''");
    let selected = browser.text("getSelection().toString()");
    assert!(
        selected.starts_with("amdahl show results/sample --cell ")
            && selected.ends_with("&& amdahl-worker --cell cell.json --record out.json"),
        "{selected}"
    );
    assert!(
        browser
            .text("document.querySelector('body > [role=status]').textContent")
            .contains("refuses")
    );
    browser.assert_calm("copying");
}

#[test]
fn all_of_it_works_from_the_keyboard() {
    let Some(mut browser) = Browser::start("all_of_it_works_from_the_keyboard") else { return };
    browser.open(&report(&mixed()), "");
    browser.press("Tab");
    assert_eq!(browser.text("document.activeElement.className"), "skip");
    assert!(
        browser.value("document.activeElement.getBoundingClientRect().left").as_f64() >= Some(0.0),
        "it is seen when it is reached"
    );
    browser.press("Enter");
    assert_eq!(browser.text("location.hash"), "#answer");

    browser.value("document.querySelector('.point[tabindex=\"0\"]').focus()");
    let here = "document.activeElement.getAttribute('aria-label')";
    assert!(browser.text(here).starts_with("serial, "));
    let down = |browser: &mut Browser| {
        browser.call(
            "Input.dispatchKeyEvent",
            json!({"type": "rawKeyDown", "key": "ArrowDown", "windowsVirtualKeyCode": 40}),
        );
    };
    down(&mut browser);
    assert!(browser.text(here).starts_with("threads 1, "), "another series");
    browser.press("ArrowRight");
    assert!(browser.text(here).starts_with("threads 2, "), "its next point");
    let tip = browser.text("document.querySelector('.tip').textContent");
    assert!(
        tip.starts_with("threads 2") && tip.contains("95 %: ") && tip.contains("repeats: "),
        "{tip}"
    );
    browser.press("Escape");
    assert_eq!(browser.value("document.querySelector('.tip').hidden"), json!(true));
    browser.press("Enter");
    assert_eq!(browser.text("document.querySelector('.details h3').textContent"), "threads 2");
    assert!(browser.text("location.hash").contains("cell="));
    assert!(browser.text(here).starts_with("threads 2, "), "the focus stays");

    // A table of the report itself.
    browser.value("document.querySelector('#cells th[scope=col]:nth-child(4) button').focus()");
    browser.press("Enter");
    assert_eq!(
        browser.text("document.querySelector('#cells th:nth-child(4)').getAttribute('aria-sort')"),
        "ascending"
    );
    let times = "[...document.querySelectorAll('#cells table')].at(0).tBodies[0].rows";
    let times: Vec<f64> = serde_json::from_value(browser.value(&format!(
        "[...{times}].map((row) => row.cells[3].textContent).filter(Boolean).map(parseFloat).filter(Number.isFinite)"
    )))
    .expect("numbers");
    assert!(times.len() > 4 && times.is_sorted(), "{times:?}");
    let outlines = "(() => { const all = [...document.querySelectorAll('main button, main select, #contents a, #contents button')].filter((it) => \
                    it.offsetHeight); return all.filter((it) => { it.focus({ focusVisible: true }); return \
                    getComputedStyle(it).outlineStyle === 'none' }).map((it) => it.outerHTML) })()";
    assert_eq!(browser.value(outlines), json!([]), "whatever has the focus shows it");
    browser.assert_calm("keys");
}

#[test]
fn colours_follow_the_reader() {
    let Some(mut browser) = Browser::start("colours_follow_the_reader") else { return };
    const PAPER: &str = "getComputedStyle(document.body).backgroundColor";
    const GROUND: &str = "getComputedStyle(document.querySelector('figure svg rect')).fill";
    const INK: &str = "getComputedStyle(document.querySelector('#explore .canvas text')).fill";
    let (light, dark) = ("rgb(255, 255, 255)", "rgb(21, 24, 28)");
    let system = |browser: &mut Browser, scheme: &str| {
        browser.call(
            "Emulation.setEmulatedMedia",
            json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]}),
        );
    };
    let html = report(&mixed());
    for (scheme, paper, ink) in
        [("dark", dark, "rgb(236, 237, 238)"), ("light", light, "rgb(26, 26, 26)")]
    {
        system(&mut browser, scheme);
        browser.open(&html, "");
        assert_eq!(
            [browser.text(PAPER), browser.text(GROUND), browser.text(INK)],
            [paper, paper, ink],
            "{scheme}"
        );
    }
    let switch = "document.getElementById('theme').click()";
    system(&mut browser, "dark");
    browser.value(switch);
    assert_eq!(
        [browser.text(PAPER), browser.text(GROUND)],
        [light, light],
        "the reader asks for light"
    );
    browser.open(&html, "");
    assert_eq!(browser.text(PAPER), light, "and is remembered");
    browser.value(switch);
    system(&mut browser, "light");
    assert_eq!([browser.text(PAPER), browser.text(GROUND)], [dark, dark], "then for dark");
    browser.call("Emulation.setEmulatedMedia", json!({"media": "print"}));
    assert_eq!([browser.text(PAPER), browser.text(GROUND)], [light, light], "paper is white");
    assert_eq!(
        browser.value(
            "[...document.querySelectorAll('#explore, #contents, button.copy')].every((it) => it.offsetHeight === 0)"
        ),
        json!(true)
    );
    assert_eq!(
        browser.text("getComputedStyle(document.querySelector('.scroll')).overflowX"),
        "visible",
        "tables are whole"
    );
    browser.call("Emulation.setEmulatedMedia", json!({"media": ""}));
    // Where storage is refused the switch works as long as the page is open.
    let refuse = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('refused', 'SecurityError') } })";
    browser.call("Page.addScriptToEvaluateOnNewDocument", json!({"source": refuse}));
    system(&mut browser, "dark");
    browser.open(&html, "");
    assert_eq!(browser.text(PAPER), dark);
    browser.value(switch);
    assert_eq!([browser.text(PAPER), browser.text(GROUND)], [light, light]);
    browser.assert_calm("colours");
}

#[test]
fn five_thousand_cells_are_explored() {
    let Some(mut browser) = Browser::start("five_thousand_cells_are_explored") else { return };
    browser.open(&many(&Made::default().lines(), 556, 200, 100), "");
    assert_eq!(names(&mut browser).len(), 100, "a first screenful");
    assert_eq!(
        browser.text("document.querySelector('#explore > button').textContent"),
        "Show 500 more of 5,004"
    );
    browser.value("document.querySelector('#explore > button').click()");
    assert_eq!(names(&mut browser).len(), 600);
    let status = browser.text("document.querySelector('#explore [role=status]').textContent");
    assert_eq!(status, "5,004 of 5,004 cells. The chart draws the first 1,500 of them.");
    browser.value("document.querySelector('#explore input[value=mpi]').click()");
    assert!(
        browser
            .text("document.querySelector('#explore [role=status]').textContent")
            .starts_with("2,780 of 5,004 cells.")
    );
    browser.assert_calm("many cells");
}
