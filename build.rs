//! Puts the phone app into the program: what `npm run build` made in `clients/web/dist`. A missing build is no error; the
//! daemon then serves a page that says how to make it.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let built = root.join("clients/web/dist");
    println!("cargo:rerun-if-changed={}", built.display());
    let mut files = BTreeSet::new();
    if built.join("index.html").is_file() {
        collect(&built, &mut files)?;
    }
    let rows: Vec<String> = files.iter().map(|file| row(&built, file)).collect::<io::Result<_>>()?;
    let table = format!("&[\n{}]\n", rows.concat());
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("site.rs"), table)
}

/// Every file below a directory but the compressed forms, which stand beside what they are forms of, and what has a dot
/// before its name alone.
fn collect(directory: &Path, files: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension != "gz") {
            files.insert(path);
        }
    }
    Ok(())
}

/// A row of the table: an expression of the type `File` of `src/site.rs`.
fn row(built: &Path, file: &Path) -> io::Result<String> {
    let path = file.strip_prefix(built).expect("it was found there");
    let mut hasher = DefaultHasher::new();
    fs::read(file)?.hash(&mut hasher);
    let mut compressed = file.as_os_str().to_owned();
    compressed.push(".gz");
    let compressed = PathBuf::from(compressed);
    let gzip = match compressed.is_file() {
        true => format!("Some(include_bytes!({compressed:?}))"),
        false => "None".to_owned(),
    };
    Ok(format!(
        "    File {{ path: {:?}, tag: \"\\\"{:016x}\\\"\", plain: include_bytes!({file:?}), gzip: {gzip} }},\n",
        format!("/{}", path.display()),
        hasher.finish(),
    ))
}
