//! Whatever the command line, the descriptors and the signals that a program is started with: no
//! panic, and a documented exit code.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output, Stdio};

use crate::support::{Ran, Sandbox, manifest, signal, wait_while_running};

/// Every verb in a form that comes to its end soon.
const LINES: &[&str] = &[
    "plan test.toml",
    "plan test.toml --format json",
    "run test.toml",
    "show results/test",
    "show results/test --format csv",
    "show results/test --format json",
    "show results/test --metrics",
    "compare results/test results/test",
    "figures results/test",
    "report results/test --format html,facts",
    "trace report/test.html",
    "query results/test --tables",
    "export results/test --to csv",
    "fit d.csv -k 2",
    "fit d.csv -k 2 --labels -",
    "predict d-k2.json d.csv",
    "doctor --quick",
    "completions bash",
    "completions zsh",
    "man pages",
    "--help",
    "--version",
    "help fit",
    "fit --help",
    "fit",
    "no-such-verb",
    "",
];

/// What `docs/exit-codes.md` lists.
const DOCUMENTED: [i32; 8] = [0, 1, 2, 3, 4, 5, 6, 130];

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("test.toml", manifest(r#""serial", "threads""#, 2, ""));
    sandbox.write("d.csv", "1,2\n3,4\n5,7\n9,9\n");
    sandbox.run(&["run", "test.toml"]).ends_with(0);
    sandbox.run(&["fit", "d.csv", "-k", "2"]).ends_with(0);
    sandbox.run(&["report", "results/test", "--format", "html"]).ends_with(0);
    sandbox
}

/// Through a shell, which arranges the descriptors: `how` with `"$@"` for the program.
fn through_shell(sandbox: &Sandbox, how: &str, words: &[&OsStr]) -> Output {
    let amdahl = sandbox.amdahl(&[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", how, "sh"]).arg(amdahl.get_program()).args(words);
    shell.current_dir(sandbox.path("")).stdin(Stdio::null());
    for (name, value) in amdahl.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.output().expect("a shell")
}

#[track_caller]
fn in_order(what: &str, output: &Output, said: &str) {
    let code = output.status.code();
    assert!(code.is_some_and(|code| DOCUMENTED.contains(&code)), "{what}: {code:?}: {said}");
    assert!(!said.contains("panicked"), "{what}: {said}");
}

#[test]
fn no_verb_panics_whatever_its_descriptors() {
    let sandbox = sandbox();
    for how in [
        "\"$@\" >&- 2>&-",
        "\"$@\" >&-",
        "\"$@\" <&- >&- 2>err",
        "\"$@\" <&- 2>err",
        "\"$@\" >/dev/full 2>err",
        "\"$@\" >/dev/full 2>/dev/full",
        "\"$@\" 2>&- </dev/null >/dev/null",
        "trap '' CHLD; \"$@\" 2>err",
        "trap '' PIPE; \"$@\" 2>err >/dev/null",
    ] {
        for line in LINES {
            let words: Vec<&OsStr> =
                line.split(' ').filter(|word| !word.is_empty()).map(OsStr::new).collect();
            sandbox.write("err", "");
            let output = through_shell(&sandbox, how, &words);
            let said = std::fs::read_to_string(sandbox.path("err")).expect("written")
                + &String::from_utf8_lossy(&output.stderr);
            let what = format!("amdahl {line}, {how}");
            in_order(&what, &output, &said);
            // What was asked for and could not be printed is not 0; what is printed beside is.
            let prints = !["run", "figures", "report", "export", "fit", "predict", "man", ""]
                .contains(&words.first().map_or("", |word| word.to_str().unwrap_or_default()))
                || line.ends_with("--help");
            if how.contains(">/dev/full") && prints {
                assert_ne!(output.status.code(), Some(0), "{what}");
            }
            let built = cfg!(feature = "query") || !line.starts_with("query");
            if how.contains("CHLD") && built && !matches!(*line, "fit" | "no-such-verb" | "") {
                assert_eq!(output.status.code(), Some(0), "{what}: {said}");
            }
        }
    }
}

#[test]
fn words_that_are_no_text_are_words() {
    let sandbox = sandbox();
    let strange = OsStr::from_bytes(b"caf\xe9");
    std::fs::create_dir(sandbox.path("").join(strange)).expect("made");
    let within = |name: &str| -> OsString {
        let path = std::path::Path::new(strange).join(name);
        std::fs::copy(sandbox.path(name), sandbox.path("").join(&path)).expect("copied");
        path.into()
    };
    let (toml, csv, model) = (within("test.toml"), within("d.csv"), within("d-k2.json"));
    std::fs::copy(sandbox.path("d-k2.npy"), sandbox.path("").join(strange).join("d-k2.npy"))
        .expect("copied");
    let text = std::fs::read_to_string(sandbox.path("test.toml")).expect("a manifest");
    let from = text.find("synthetic =").expect("a data set");
    let to = text.find("[axes]").expect("axes");
    let own = format!("{}file = \"d.csv\"\n{}", &text[..from], &text[to..]);
    let own_toml = std::path::Path::new(strange).join("own.toml");
    std::fs::write(sandbox.path("").join(&own_toml), own).expect("written");
    let word = |text: &str| OsString::from(text);
    for (words, code) in [
        (vec![word("run"), toml.clone()], 0),
        (vec![word("plan"), toml.clone(), word("--format"), word("json")], 0),
        (vec![word("plan"), own_toml.into_os_string()], 2),
        (vec![word("run"), toml, word("--results"), strange.into()], 2),
        (vec![word("show"), strange.into()], 6),
        (vec![word("fit"), csv.clone(), word("-k"), word("2"), word("--model"), word("x.json")], 0),
        (vec![word("fit"), csv.clone(), word("-k"), word("2"), word("--model"), model.clone()], 0),
        (vec![word("fit"), csv.clone(), word("-k"), word("2"), word("--model"), strange.into()], 2),
        (vec![word("predict"), model, csv], 0),
        (vec![word("figures"), word("results/test"), word("--out"), strange.into()], 0),
        (vec![word("export"), word("results/test"), word("--to"), strange.into()], 2),
        (vec![strange.into()], 2),
        (vec![word("fit"), word("d.csv"), word("-k"), strange.into()], 2),
        (vec![word("plan"), word("test.toml"), word("--only"), strange.into()], 2),
        (vec![word("show"), word("\u{1b}[2J\u{202e}")], 2),
        (vec![word("\u{1b}[2J\u{202e}")], 2),
    ] {
        let ran = Ran(sandbox.amdahl(&[]).args(&words).output().expect("amdahl starts"));
        in_order(&format!("{words:?}"), &ran.0, &ran.err());
        assert_eq!(ran.code(), code, "{words:?}: {}", ran.err());
        assert!(!ran.err().contains(['\u{1b}', '\u{202e}']), "{words:?}: {}", ran.err());
    }
    let worker = Command::new(crate::worker::worker()).arg(strange).output().expect("it starts");
    in_order("amdahl-worker", &worker, &String::from_utf8_lossy(&worker.stderr));
    for words in [["--capabilities"], ["--help"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("a device");
        let worker = Command::new(crate::worker::worker()).args(words).stdout(full).output();
        let worker = worker.expect("it starts");
        assert_eq!(worker.status.code(), Some(1), "{words:?}");
    }
}

/// Makes a pipe that nobody writes to.
fn pipe(sandbox: &Sandbox, name: &str) {
    let made = Command::new("mkfifo").arg(sandbox.path(name)).status().expect("mkfifo");
    assert!(made.success());
}

#[test]
fn pipes_where_files_are_expected_are_refused() {
    let sandbox = sandbox();
    pipe(&sandbox, "pipe");
    std::fs::create_dir_all(sandbox.path(".cache/amdahl/noise")).expect("made");
    for (line, code, said) in [
        ("plan pipe", 2, "a named pipe"),
        ("run pipe", 2, "a named pipe"),
        ("fit pipe -k 2", 2, "not a regular file"),
        ("fit d.csv -k 2 --truth pipe", 2, "not a regular file"),
        ("fit d.csv -k 2 --init pipe", 2, "not a regular file"),
        ("fit /dev/zero -k 2", 2, "not a regular file"),
        ("predict pipe d.csv", 2, "a named pipe"),
        ("predict /dev/zero d.csv", 2, "a device"),
        ("trace pipe", 2, "a named pipe"),
        ("trace /dev/zero", 2, "a device"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let ran = sandbox.run(&words).ends_with(code);
        assert!(ran.err().contains(said), "{line}: {}", ran.err());
    }
    // Among records one is left out, and said.
    pipe(&sandbox, "results/test/x.jsonl");
    for line in ["show results/test", "run test.toml", "plan test.toml"] {
        let words: Vec<&str> = line.split(' ').collect();
        let ran = sandbox.run(&words).ends_with(0);
        let all = ran.out() + &ran.err();
        assert!(all.contains("x.jsonl: left out: it is a named pipe"), "{line}: {all}");
    }
}

#[test]
fn the_first_signal_ends_a_fit_that_reads() {
    let sandbox = Sandbox::new();
    sandbox.write("p.csv", "1,2\n".repeat(4_000_000));
    for number in [libc::SIGTERM, libc::SIGINT] {
        let words = ["fit", "p.csv", "-k", "2", "--starts", "100000", "--labels", "l.txt"];
        let mut child = sandbox.start(&words);
        wait_while_running(&mut child, "a file is begun", || {
            crate::support::files(&sandbox.path(""), ".part").len() == 1
        });
        signal(child.id(), number);
        let ran = sandbox.end(child).ends_with(130);
        assert!(ran.err().contains("interrupted"), "{}", ran.err());
        assert!(crate::support::files(&sandbox.path(""), ".part").is_empty(), "nothing is left");
    }
}

#[test]
fn the_doctor_is_interrupted_with_its_own_code_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("tmp")).expect("made");
    for number in [libc::SIGINT, libc::SIGTERM] {
        let mut doctor = sandbox.amdahl(&["doctor"]);
        doctor.env("TMPDIR", sandbox.path("tmp")).stderr(Stdio::piped()).stdout(Stdio::piped());
        let mut child = doctor.spawn().expect("amdahl starts");
        wait_while_running(&mut child, "it has a folder", || {
            !crate::support::files(&sandbox.path("tmp"), "").is_empty()
        });
        // From the making of the folder to the first thing that is looked at nothing is caught yet.
        std::thread::sleep(std::time::Duration::from_millis(200));
        signal(child.id(), number);
        let ran = sandbox.end(child).ends_with(130);
        assert!(ran.err().contains("interrupted") && ran.out().is_empty(), "{}", ran.err());
        assert!(crate::support::files(&sandbox.path("tmp"), "").is_empty());
    }
    sandbox.nothing_survives();
}

#[test]
fn names_that_steer_are_shown_on_terminals_and_pages() {
    let sandbox = Sandbox::new();
    let title = "title = \"\\u001b[2J\\u202Eabc\"";
    sandbox.write("test.toml", manifest(r#""serial", "threads""#, 2, title));
    sandbox.run(&["run", "test.toml"]).ends_with(0);
    sandbox.run(&["report", "results/test", "--format", "html,facts"]).ends_with(0);
    sandbox.run(&["figures", "results/test"]).ends_with(0);
    let shown = sandbox.run(&["plan", "test.toml"]).ends_with(0).out();
    assert!(shown.contains("<U+001B>[2J<U+202E>abc"), "{shown}");
    for file in [("report", ".html"), ("plots", ".svg")]
        .iter()
        .flat_map(|(folder, ending)| crate::support::files(&sandbox.path(folder), ending))
    {
        let text = std::fs::read_to_string(&file).expect("text");
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{}", file.display());
    }
    // What programs read says the same as the manifest.
    let json = sandbox.run(&["show", "results/test", "--format", "json"]).ends_with(0).out();
    assert!(!json.contains(['\u{1b}', '\u{202e}']));
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["run"]["title"], "\u{1b}[2J\u{202e}abc");
}
