//! Joins WGSL pieces: `#import file`, `#define NAME [value]`, `#ifdef` / `#ifndef` / `#else` / `#endif`, `#for a,b in x,0 y,1` or
//! `#for i in 0..8` to `#endfor` (unrolled), and `$name` or `${name}` substitution. Each line remembers where it came from.

use std::collections::BTreeMap;
use std::path::Path;

/// WGSL with the origin of every line.
#[derive(Default)]
pub struct Expanded {
    /// The text.
    pub text: String,
    /// `file:line` of each line of it.
    pub origins: Vec<String>,
}

type Defines = BTreeMap<String, String>;

/// A line of a piece with its number.
type Line<'a> = (usize, &'a str);

/// Expands `file` below `root`. A value `f16` of any axis puts `enable f16;` in front.
pub fn expand(root: &Path, file: &str, defines: &Defines) -> Result<Expanded, String> {
    let mut defines = defines.clone();
    let mut out = Expanded::default();
    if defines.values().any(|v| v == "f16") {
        push(&mut out, "enable f16;", "permutations".into());
    }
    import(root, file, &mut defines, &mut out)?;
    Ok(out)
}

fn push(out: &mut Expanded, line: &str, origin: String) {
    out.text.push_str(line);
    out.text.push('\n');
    out.origins.push(origin);
}

fn import(root: &Path, file: &str, defines: &mut Defines, out: &mut Expanded) -> Result<(), String> {
    let path = root.join(file);
    let text = std::fs::read_to_string(&path).map_err(|why| format!("{}: {why}", path.display()))?;
    let lines: Vec<Line<'_>> = text.lines().enumerate().map(|(at, line)| (at + 1, line)).collect();
    block(root, file, &lines, defines, out)
}

fn block(
    root: &Path,
    file: &str,
    lines: &[Line<'_>],
    defines: &mut Defines,
    out: &mut Expanded,
) -> Result<(), String> {
    let mut at = 0;
    while at < lines.len() {
        let (number, line) = lines[at];
        let fail = |why: &str| format!("{file}:{number}: {why}");
        let mut words = line.split_whitespace();
        match words.next() {
            Some("#import") => {
                let name = words.next().ok_or_else(|| fail("#import needs a file"))?;
                import(root, name, defines, out)?;
            }
            Some("#define") => {
                let name = words.next().ok_or_else(|| fail("#define needs a name"))?;
                defines.insert(name.into(), words.collect::<Vec<_>>().join(" "));
            }
            Some(start @ ("#ifdef" | "#ifndef")) => {
                let name = words.next().ok_or_else(|| fail("a condition needs a name"))?;
                let (middle, end) =
                    matching(lines, at, ["#ifdef", "#ifndef"], "#endif").ok_or_else(|| fail("no #endif"))?;
                let holds = defines.contains_key(name) == (start == "#ifdef");
                let body = if holds {
                    &lines[at + 1..middle.unwrap_or(end)]
                } else {
                    &lines[middle.map_or(end, |m| m + 1)..end]
                };
                block(root, file, body, defines, out)?;
                at = end;
            }
            Some("#for") => {
                let (_, end) =
                    matching(lines, at, ["#for", "#for"], "#endfor").ok_or_else(|| fail("no #endfor"))?;
                let head = substitute(line, defines).map_err(|why| fail(&why))?;
                for values in loop_values(&head).ok_or_else(|| fail("#for needs `names in values`"))? {
                    let mut inner = defines.clone();
                    inner.extend(values);
                    block(root, file, &lines[at + 1..end], &mut inner, out)?;
                }
                at = end;
            }
            Some(other) if other.starts_with('#') => return Err(fail(&format!("unknown directive {other}"))),
            _ => push(
                out,
                &substitute(line, defines).map_err(|why| fail(&why))?,
                format!("wgsl/{file}:{number}"),
            ),
        }
        at += 1;
    }
    Ok(())
}

/// Positions of the `#else` (if any) and of the end that belong to the opening at `from`.
fn matching(
    lines: &[Line<'_>],
    from: usize,
    opens: [&str; 2],
    close: &str,
) -> Option<(Option<usize>, usize)> {
    let (mut depth, mut middle) = (0, None);
    for (at, (_, line)) in lines.iter().enumerate().skip(from) {
        match line.split_whitespace().next() {
            Some(word) if opens.contains(&word) => depth += 1,
            Some("#else") if depth == 1 && close == "#endif" => middle = Some(at),
            Some(word) if word == close => {
                depth -= 1;
                if depth == 0 {
                    return Some((middle, at));
                }
            }
            _ => {}
        }
    }
    None
}

/// The names and values of each turn of `#for names in values`.
fn loop_values(head: &str) -> Option<Vec<Vec<(String, String)>>> {
    let (names, values) = head.trim().strip_prefix("#for")?.split_once(" in ")?;
    let names: Vec<&str> = names.trim().split(',').map(str::trim).collect();
    if let Some((from, to)) = values.trim().split_once("..") {
        let (from, to): (u32, u32) = (from.parse().ok()?, to.parse().ok()?);
        return Some((from..to).map(|i| vec![(names[0].to_string(), i.to_string())]).collect());
    }
    let turn =
        |word: &str| names.iter().zip(word.split(',')).map(|(n, v)| (n.to_string(), v.to_string())).collect();
    Some(values.split_whitespace().map(turn).collect())
}

/// Replaces `$name` and `${name}`. Comments are left as they are.
fn substitute(line: &str, defines: &Defines) -> Result<String, String> {
    let (code, comment) = line.find("//").map_or((line, ""), |at| line.split_at(at));
    let mut made = String::with_capacity(line.len());
    let mut rest = code;
    while let Some(at) = rest.find('$') {
        made.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let braced = rest.starts_with('{');
        let name_from = usize::from(braced);
        let length = rest[name_from..]
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len() - name_from);
        let name = &rest[name_from..name_from + length];
        made.push_str(defines.get(name).ok_or_else(|| format!("`{name}` is not defined"))?);
        rest = &rest[name_from + length + usize::from(braced)..];
    }
    made.push_str(rest);
    made.push_str(comment);
    Ok(made)
}
