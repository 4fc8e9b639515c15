//! Rust sources as the tokens that a program is made of: without comments, without the text of
//! documentation, without tests.
//!
//! Where this cannot tell, it keeps: then a digest changes without need, and a result is measured
//! once more. It never leaves out code that a program is made of.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

use crate::Result;

/// A source file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Its tokens, one a line.
    pub tokens: String,
    /// The modules that it declares and that lie in files of their own.
    pub modules: Vec<Module>,
    /// Files that it includes, as it names them.
    pub includes: Vec<String>,
}

/// A module in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The modules of the same file that it is declared in, and its name.
    pub names: Vec<String>,
    /// What its attribute `path` says.
    pub path: Option<String>,
}

/// Reads a source file.
///
/// # Errors
/// Says what is not understood.
pub fn source(text: &str) -> Result<Source> {
    let stream: TokenStream =
        text.parse().map_err(|e| format!("these are no tokens of Rust: {e}"))?;
    let mut source = Source::default();
    source.add(stream, &mut Vec::new(), Commas::Optional)?;
    Ok(source)
}

/// Pairs that are one operator where nothing stands between them.
const OPERATORS: [&str; 22] = [
    "&&", "||", "==", "!=", "<=", ">=", "=>", "->", "<-", "<<", ">>", "+=", "-=", "*=", "/=", "%=",
    "^=", "&=", "|=", "::", "..", ".=",
];

/// Attributes that tell people and lints something, and the compiler nothing that it compiles.
const REMARKS: [&str; 8] =
    ["doc", "allow", "expect", "warn", "deny", "forbid", "must_use", "deprecated"];

/// Words before parentheses that are no call and no pattern of a tuple struct.
const KEYWORDS: [&str; 20] = [
    "as", "break", "const", "dyn", "else", "for", "if", "impl", "in", "let", "loop", "match",
    "move", "mut", "ref", "return", "static", "where", "while", "yield",
];

/// Does a comma after the last of several things mean something?
#[derive(Clone, Copy, PartialEq)]
enum Commas {
    /// It comes and goes with the layout of lines.
    Optional,
    /// It makes a tuple of one.
    Tuple,
}

impl Source {
    /// Adds tokens that stand within these modules of the file.
    fn add(&mut self, stream: TokenStream, within: &mut Vec<String>, commas: Commas) -> Result<()> {
        let all: Vec<TokenTree> = stream.into_iter().collect();
        let trees = without_last_comma(&all, commas);
        let mut at = 0;
        while let Some(tree) = trees.get(at) {
            let rest = &trees[at..];
            if let Some(attribute) = inner_attribute(rest) {
                if is_for_tests(attribute) {
                    return Ok(()); // it speaks of all that it stands in
                }
                self.add_attribute(attribute, within)?;
                at += 3;
                continue;
            }
            let attributes = outer_attributes(rest);
            if !attributes.is_empty() {
                at += 2 * attributes.len();
                at += self.add_item(&attributes, &trees[at..], within)?;
                continue;
            }
            if let Some(name) = module(rest) {
                self.modules
                    .push(Module { names: [within.as_slice(), &[name]].concat(), path: None });
            }
            if let Some(file) = included(rest)? {
                self.includes.push(file);
            }
            match tree {
                TokenTree::Group(group) => self.add_group(group, &trees[..at], within)?,
                TokenTree::Punct(punct) => {
                    let next = match trees.get(at + 1) {
                        Some(TokenTree::Punct(next)) => Some(next.as_char()),
                        _ => None,
                    };
                    let c = punct.as_char();
                    // Generics that end with a comma.
                    if (c, next) != (',', Some('>')) {
                        let joint = punct.spacing() == Spacing::Joint
                            && next.is_some_and(|n| OPERATORS.contains(&&*format!("{c}{n}")));
                        self.put(&format!("{c}{}", if joint { "+" } else { "" }));
                    }
                }
                TokenTree::Ident(word) => self.put(&word.to_string()),
                TokenTree::Literal(literal) => self.put(&format!("{:?}", literal.to_string())),
            }
            at += 1;
        }
        Ok(())
    }

    fn put(&mut self, token: &str) {
        self.tokens.push_str(token);
        self.tokens.push('\n');
    }

    fn add_group(
        &mut self,
        group: &Group,
        before: &[TokenTree],
        within: &mut Vec<String>,
    ) -> Result<()> {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        let commas = match (group.delimiter(), before.last()) {
            (Delimiter::Parenthesis, Some(TokenTree::Ident(word)))
                if !KEYWORDS.contains(&&*word.to_string()) =>
            {
                Commas::Optional
            }
            (Delimiter::Parenthesis, Some(TokenTree::Punct(p)))
                if ['!', '>'].contains(&p.as_char()) =>
            {
                Commas::Optional
            }
            (Delimiter::Parenthesis | Delimiter::None, _) => Commas::Tuple,
            (Delimiter::Brace | Delimiter::Bracket, _) => Commas::Optional,
        };
        // The body of a module.
        let name = match before {
            [.., TokenTree::Ident(word), TokenTree::Ident(name)]
                if *word == "mod" && group.delimiter() == Delimiter::Brace =>
            {
                Some(name.to_string())
            }
            _ => None,
        };
        let depth = within.len();
        within.extend(name);
        self.put(open);
        self.add(group.stream(), within, commas)?;
        self.put(close);
        within.truncate(depth);
        Ok(())
    }

    fn add_attribute(&mut self, attribute: &Group, within: &mut Vec<String>) -> Result<()> {
        if !first_word(attribute).is_some_and(|word| REMARKS.contains(&&*word)) {
            self.put("#");
            self.add_group(attribute, &[], within)?;
        }
        Ok(())
    }

    /// Adds attributes, and of what follows them the declaration of a module whose file they name.
    /// Where they say that it is for tests, nothing is added. Returns how many tokens after the
    /// attributes are dealt with.
    fn add_item(
        &mut self,
        attributes: &[&Group],
        rest: &[TokenTree],
        within: &mut Vec<String>,
    ) -> Result<usize> {
        if attributes.iter().any(|attribute| is_for_tests(attribute))
            && let Some(tokens) = item(rest)
        {
            return Ok(tokens);
        }
        for attribute in attributes {
            self.add_attribute(attribute, within)?;
        }
        let start = visibility(rest);
        let path = attributes.iter().find_map(|attribute| path(attribute));
        let (Some(path), Some(name)) = (path, module(&rest[start..])) else { return Ok(0) };
        let names = [within.as_slice(), std::slice::from_ref(&name)].concat();
        self.modules.push(Module { names, path: Some(path) });
        for tree in &rest[..start] {
            self.put(&tree.to_string());
        }
        ["mod", &name, ";"].iter().for_each(|token| self.put(token));
        Ok(start + 3)
    }
}

fn is_punct(tree: Option<&TokenTree>, wanted: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_word(tree: Option<&TokenTree>, wanted: &str) -> bool {
    matches!(tree, Some(TokenTree::Ident(word)) if *word == wanted)
}

fn without_last_comma(trees: &[TokenTree], commas: Commas) -> &[TokenTree] {
    let [rest @ .., TokenTree::Punct(last)] = trees else { return trees };
    let is_comma = |tree: &TokenTree| is_punct(Some(tree), ',');
    let means_nothing = commas == Commas::Optional
        || rest.iter().any(is_comma) && !rest.iter().any(|tree| is_punct(Some(tree), '<'));
    if last.as_char() == ',' && means_nothing { rest } else { trees }
}

/// `#![…]` at the beginning of these tokens.
fn inner_attribute(trees: &[TokenTree]) -> Option<&Group> {
    match trees {
        [hash, bang, TokenTree::Group(group), ..]
            if is_punct(Some(hash), '#') && is_punct(Some(bang), '!') =>
        {
            Some(group)
        }
        _ => None,
    }
}

/// All `#[…]` at the beginning of these tokens.
fn outer_attributes(mut trees: &[TokenTree]) -> Vec<&Group> {
    let mut found = Vec::new();
    while let [hash, TokenTree::Group(group), rest @ ..] = trees {
        if !is_punct(Some(hash), '#') || group.delimiter() != Delimiter::Bracket {
            break;
        }
        found.push(group);
        trees = rest;
    }
    found
}

fn first_word(attribute: &Group) -> Option<String> {
    match attribute.stream().into_iter().next() {
        Some(TokenTree::Ident(word)) => Some(word.to_string()),
        _ => None,
    }
}

/// Is what the attribute speaks of compiled for tests alone?
fn is_for_tests(attribute: &Group) -> bool {
    let trees: Vec<TokenTree> = attribute.stream().into_iter().collect();
    match &trees[..] {
        [TokenTree::Ident(word)] => *word == "test",
        [TokenTree::Ident(word), TokenTree::Group(condition)] if *word == "cfg" => {
            holds_in_tests_only(&condition.stream().into_iter().collect::<Vec<_>>())
        }
        _ => false,
    }
}

/// `test`, or `all(…)` with such a condition in it.
fn holds_in_tests_only(condition: &[TokenTree]) -> bool {
    match condition {
        [TokenTree::Ident(word)] => *word == "test",
        [TokenTree::Ident(word), TokenTree::Group(group)] if *word == "all" => {
            let trees: Vec<TokenTree> = group.stream().into_iter().collect();
            trees.split(|tree| is_punct(Some(tree), ',')).any(holds_in_tests_only)
        }
        _ => false,
    }
}

/// The file of `#[path = "…"]`.
fn path(attribute: &Group) -> Option<String> {
    let trees: Vec<TokenTree> = attribute.stream().into_iter().collect();
    match &trees[..] {
        [word, equals, TokenTree::Literal(literal)]
            if is_word(Some(word), "path") && is_punct(Some(equals), '=') =>
        {
            plain(&literal.to_string())
        }
        _ => None,
    }
}

/// The text of a string literal without escapes.
fn plain(literal: &str) -> Option<String> {
    let text = literal.strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains('\\')).then(|| text.to_string())
}

/// How many tokens `pub` or `pub(…)` is.
fn visibility(trees: &[TokenTree]) -> usize {
    match trees {
        [word, TokenTree::Group(group), ..]
            if is_word(Some(word), "pub") && group.delimiter() == Delimiter::Parenthesis =>
        {
            2
        }
        [word, ..] if is_word(Some(word), "pub") => 1,
        _ => 0,
    }
}

/// The name of the module where these tokens begin with `mod name;`.
fn module(trees: &[TokenTree]) -> Option<String> {
    match trees {
        [word, TokenTree::Ident(name), end, ..]
            if is_word(Some(word), "mod") && is_punct(Some(end), ';') =>
        {
            Some(name.to_string())
        }
        _ => None,
    }
}

/// The file that these tokens include, where they begin with `include_str!("…")` or the like.
fn included(trees: &[TokenTree]) -> Result<Option<String>> {
    let [TokenTree::Ident(word), bang, TokenTree::Group(group), ..] = trees else {
        return Ok(None);
    };
    let name = word.to_string();
    if !["include", "include_str", "include_bytes"].contains(&&*name) || !is_punct(Some(bang), '!')
    {
        return Ok(None);
    }
    let trees: Vec<TokenTree> = group.stream().into_iter().collect();
    match without_last_comma(&trees, Commas::Optional) {
        [TokenTree::Literal(literal)] => plain(&literal.to_string()).map(Some),
        _ => None,
    }
    .ok_or_else(|| {
        format!("'{name}!({})' does not say plainly which file it includes", group.stream())
    })
}

/// How many tokens the item at the beginning of these is; `None` for what is no item.
fn item(trees: &[TokenTree]) -> Option<usize> {
    let start = visibility(trees);
    let TokenTree::Ident(word) = trees.get(start)? else { return None };
    let function = ["fn", "unsafe", "async", "extern"];
    let next_is = |words: &[&str]| words.iter().any(|word| is_word(trees.get(start + 1), word));
    let may_have_a_body = match word.to_string().as_str() {
        "use" | "static" | "type" | "let" => false,
        "const" => next_is(&function),
        "extern" => !next_is(&["crate"]),
        "fn" | "mod" | "struct" | "enum" | "union" | "trait" | "impl" | "unsafe" | "async"
        | "macro_rules" => true,
        _ => return None,
    };
    let is_end = |tree: &TokenTree| match tree {
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Group(group) => may_have_a_body && group.delimiter() == Delimiter::Brace,
        _ => false,
    };
    trees.iter().position(is_end).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> String {
        source(text).expect("tokens").tokens
    }

    #[track_caller]
    fn same(one: &str, other: &str) {
        assert_eq!(tokens(one), tokens(other));
    }

    #[track_caller]
    fn differ(one: &str, other: &str) {
        assert_ne!(tokens(one), tokens(other), "{one} and {other}");
    }

    #[test]
    fn comments_documentation_and_remarks_for_lints_are_left_out() {
        same(
            "fn f() {}",
            "//! Module.\n/// Documented.\n#[must_use]\n#[allow(unused)] fn f() { /* here */ }",
        );
        same("mod a { fn f() {} }", "mod a { #![doc = include_str!(\"a.md\")] fn f() {} }");
        same("struct A { b: u8 }", "struct A {\n /// A byte.\n b: u8, // here\n }");
        differ("fn f() {}", "#[inline] fn f() {}");
        differ("fn f() {}", "#[cfg(feature = \"mpi\")] fn f() {}");
    }

    #[test]
    fn the_layout_of_lines_means_nothing() {
        same("f(a, b)", "f(\n    a, // one\n    b,\n)");
        same("x()?.y()", "x()?\n    // and then\n    .y()");
        same("g::<A, B>(c)", "g::<\n A,\n B,\n>(c)");
        same("let (a, b) = c;", "let (\n a,\n b,\n) = c;");
        same("[1, 2]", "[1, 2,]");
        differ("(a,)", "(a)");
        differ("let (a,) = b;", "let (a) = b;");
        differ("(M<K, V>,)", "(M<K, V>)");
        differ("a && b", "a & &b");
        differ("a .. b", "a . . b");
        differ("\"a\"", "\"b\"");
        differ("0.1 + x", "0.2 + x");
    }

    #[test]
    fn tests_are_left_out_and_nothing_else() {
        same("fn f() {}", "fn f() {} #[cfg(test)] mod tests { use super::*; #[test] fn g() {} }");
        same("fn f() {}", "#[cfg(test)] use a::{b, c}; fn f() {}");
        same("fn f() {}", "#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;\nfn f() {}");
        same(
            "fn f() {}",
            "#[path = \"x.rs\"] #[cfg(all(test, unix))] pub(crate) mod tests; fn f() {}",
        );
        same(
            "impl A { fn f() {} }",
            "impl A { fn f() {} #[cfg(test)] pub const fn g() -> u8 { 1 } }",
        );
        same("mod a {}", "mod a { #![cfg(test)] fn g() {} }");
        same("fn f() {}", "#[cfg(test)] const X: A = A { b: 1 }; fn f() {}");
        differ("fn f() {}", "#[cfg(any(test, unix))] fn g() {} fn f() {}");
        differ("fn f() {}", "#[cfg(not(test))] fn g() {} fn f() {}");
        differ("match a { 1 => 2 }", "match a { 1 => 2, #[cfg(test)] 3 => 4 }");
        let kept = tokens("#[cfg(test)] mod tests; fn kept() {}");
        assert_eq!(kept, tokens("fn kept() {}"));
    }

    #[test]
    fn modules_and_included_files_are_found() {
        let text = "
            pub mod a;
            #[cfg(test)] mod tests;
            mod b { pub(crate) mod c; mod d { mod e; } }
            #[path = \"other.rs\"] pub(super) mod f;
            const G: &str = concat!(include_str!(\"g.toml\"), \"\");
            #[cfg(test)] const H: &str = include_str!(\"h.json\");
        ";
        let found = source(text).expect("tokens");
        let named = |names: &[&str], path: Option<&str>| Module {
            names: names.iter().map(ToString::to_string).collect(),
            path: path.map(String::from),
        };
        let wanted = [
            named(&["a"], None),
            named(&["b", "c"], None),
            named(&["b", "d", "e"], None),
            named(&["f"], Some("other.rs")),
        ];
        assert_eq!(found.modules, wanted);
        assert_eq!(found.includes, ["g.toml"]);
        let error =
            source("include!(concat!(env!(\"OUT_DIR\"), \"/x.rs\"));").expect_err("unknown");
        assert!(error.contains("does not say plainly which file"), "{error}");
        assert!(source("fn f( {").expect_err("no tokens").contains("no tokens of Rust"));
    }
}
