//! Groups: which objects have which names, and where they are.

use amdahl_record::error::Result;

use super::file::{Bytes, Cursor, Message, NOWHERE, messages};

/// Trees are followed so deep.
const DEEPEST: usize = 32;

/// An object of a group, by its name.
pub struct Link {
    /// Its name.
    pub name: String,
    /// Where its object header is.
    pub at: u64,
}

/// Where the object header of the root group is (II).
pub fn root(bytes: Bytes<'_>) -> Result<u64> {
    let start = bytes.read(0, 96.min(bytes.length))?;
    if !start.starts_with(super::SIGNATURE) {
        let what = "this is no HDF5 file, or one that begins with a user block";
        return Err(bytes.input.refuse(what).hint("h5jam and h5unjam move user blocks"));
    }
    let mut cursor = Cursor::new(&start[8..]);
    let read = || -> std::result::Result<_, &'static str> {
        let version = cursor.number(1)?;
        let (widths, before) = match version {
            // Versions of parts, a reserved byte, and two widths; then the sizes of nodes and flags.
            0 | 1 => {
                cursor.take(4)?;
                let widths = (cursor.number(1)?, cursor.number(1)?);
                (widths, if version == 0 { 9 } else { 13 })
            }
            2 | 3 => ((cursor.number(1)?, cursor.number(1)?), 1),
            _ => return Ok((version, (0, 0), 0, 0)),
        };
        cursor.take(before)?;
        let base = cursor.number(8)?;
        // Of the older the addresses of free space, the end, a driver, and the name of the root; of the newer
        // an extension and the end.
        cursor.take(if version < 2 { 32 } else { 16 })?;
        Ok((version, widths, base, cursor.number(8)?))
    };
    let mut read = read;
    let (version, widths, base, root) = read().map_err(|what| bytes.damaged(what))?;
    if version > 3 {
        return Err(bytes.not_read(&format!("the superblock has version {version}")));
    }
    if widths != (8, 8) || base != 0 {
        return Err(bytes.not_read("addresses are not of 8 bytes from the file's beginning"));
    }
    Ok(root)
}

/// The objects of a group; `None` of an object that is none.
pub fn links(bytes: Bytes<'_>, object: &[Message]) -> Result<Option<Vec<Link>>> {
    let mut links = Vec::new();
    let mut is_group = false;
    for Message { kind, content, .. } in object {
        match kind {
            // A symbol table (IV.A.2.r): the tree of its names, and the heap that holds these.
            0x11 => {
                is_group = true;
                let mut cursor = Cursor::new(content);
                let mut number = || cursor.number(8).map_err(|what| bytes.damaged(what));
                symbol_table(bytes, number()?, number()?, &mut links)?;
            }
            // What is known of links (IV.A.2.c): many of them are kept in a heap of their own.
            0x02 => {
                is_group = true;
                let read = || -> std::result::Result<u64, &'static str> {
                    let mut cursor = Cursor::new(content);
                    let flags = {
                        cursor.take(1)?;
                        cursor.number(1)?
                    };
                    cursor.take(if flags & 1 != 0 { 8 } else { 0 })?;
                    cursor.number(8)
                };
                if read().map_err(|what| bytes.damaged(what))? != NOWHERE {
                    return Err(
                        bytes.not_read("a group has so many objects that they are kept in a heap")
                    );
                }
            }
            0x06 => {
                is_group = true;
                links.extend(link(content).map_err(|what| bytes.damaged(what))?);
            }
            _ => {}
        }
    }
    Ok(is_group.then_some(links))
}

/// A link (IV.A.2.g); `None` where it is no hard one.
fn link(content: &[u8]) -> std::result::Result<Option<Link>, &'static str> {
    let mut cursor = Cursor::new(content);
    cursor.take(1)?;
    let flags = cursor.number(1)?;
    let kind = if flags & 8 != 0 { cursor.number(1)? } else { 0 };
    // The order in which links were made, and the character set.
    cursor.take(if flags & 4 != 0 { 8 } else { 0 } + usize::from(flags & 16 != 0))?;
    let length = cursor.number(1 << (flags & 3))?;
    let length = usize::try_from(length).map_err(|_| "a name that is longer than its message")?;
    let name = String::from_utf8_lossy(cursor.take(length)?).into_owned();
    Ok(if kind == 0 { Some(Link { name, at: cursor.number(8)? }) } else { None })
}

/// The names of a symbol table (III.A.1, III.B, III.C, III.D).
fn symbol_table(bytes: Bytes<'_>, tree: u64, heap: u64, links: &mut Vec<Link>) -> Result<()> {
    let heap = bytes.signed(heap, 32, b"HEAP")?;
    let mut cursor = Cursor::new(&heap[8..]);
    let mut number = || cursor.number(8).map_err(|what| bytes.damaged(what));
    let (size, _, at) = (number()?, number()?, number()?);
    let names = bytes.read(at, size)?;
    // A node is no smaller: more of them are the same ones again.
    let mut budget = bytes.length / 8;
    walk(bytes, tree, DEEPEST, &mut budget, &mut |node| {
        let table = bytes.signed(node, 8, b"SNOD")?;
        let count = u16::from_le_bytes([table[6], table[7]]);
        let entries = bytes.read(node + 8, u64::from(count) * 40)?;
        for entry in entries.chunks_exact(40) {
            let mut cursor = Cursor::new(entry);
            let mut number = |width| cursor.number(width).map_err(|what| bytes.damaged(what));
            let (name, at, kind) = (number(8)?, number(8)?, number(4)?);
            let name = usize::try_from(name).ok().and_then(|at| names.get(at..));
            let name = name.and_then(|rest| rest.split(|&byte| byte == 0).next());
            let name = name.ok_or_else(|| bytes.damaged("a name outside its heap"))?;
            // 2: a soft link, which leads to another name.
            if kind != 2 {
                links.push(Link { name: String::from_utf8_lossy(name).into_owned(), at });
            }
        }
        Ok(())
    })
}

/// Hands the leaves of a tree of names to `each`.
fn walk(
    bytes: Bytes<'_>,
    at: u64,
    depth: usize,
    budget: &mut u64,
    each: &mut impl FnMut(u64) -> Result<()>,
) -> Result<()> {
    let head = bytes.signed(at, 24, b"TREE")?;
    let (level, used) = (head[5], u64::from(u16::from_le_bytes([head[6], head[7]])));
    let children = bytes.read(at + 24, used * 16 + 8)?;
    for child in children[8..].chunks(16).take(used as usize) {
        let child = Cursor::new(child).number(8).map_err(|what| bytes.damaged(what))?;
        *budget =
            budget.checked_sub(16).ok_or_else(|| bytes.damaged("a tree that does not end"))?;
        match level {
            0 => each(child)?,
            _ if depth == 0 => return Err(bytes.damaged("a tree that is too deep")),
            _ => walk(bytes, child, depth - 1, budget, each)?,
        }
    }
    Ok(())
}

/// The data sets below the root, by their paths, and the messages of the one that is wanted: the one called
/// `name`, or the only one that there is.
pub fn find(bytes: Bytes<'_>, name: Option<&str>) -> Result<(String, Vec<Message>)> {
    let root = messages(bytes, root(bytes)?)?;
    let list =
        |object: &[Message]| links(bytes, object)?.ok_or_else(|| bytes.damaged("no root group"));
    let Some(name) = name else {
        let all = list(&root)?;
        let mut sets = Vec::new();
        for Link { name, at } in all {
            let object = messages(bytes, at)?;
            // A data set has a layout.
            if object.iter().any(|message| message.kind == 0x08) {
                sets.push((name, object));
            }
        }
        return match sets.len() {
            1 => Ok(sets.remove(0)),
            0 => Err(bytes
                .input
                .refuse("there is no data set in the file's root group")
                .hint("name one in a group by its path: --dataset group/name")),
            _ => {
                let names: Vec<String> = sets.iter().map(|(name, _)| format!("'{name}'")).collect();
                let what = format!("the file has {} data sets: {}", sets.len(), names.join(", "));
                let hint = "name one: --dataset NAME (in a manifest: dataset = \"NAME\")";
                Err(bytes.input.refuse(what).hint(hint))
            }
        };
    };
    let mut object = root;
    for part in name.split('/').filter(|part| !part.is_empty()) {
        let all = links(bytes, &object)?.unwrap_or_default();
        let Some(link) = all.iter().find(|link| link.name == part) else {
            let names: Vec<String> =
                all.iter().take(20).map(|link| format!("'{}'", link.name)).collect();
            let there = if names.is_empty() { "none".into() } else { names.join(", ") };
            let what = format!("there is no data set '{name}': no '{part}' among {there}");
            return Err(crate::suggest::suggest(
                bytes.input.refuse(what),
                part,
                all.iter().map(|link| link.name.as_str()),
            ));
        };
        object = messages(bytes, link.at)?;
    }
    Ok((name.into(), object))
}
