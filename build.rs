//! Puts the phone app into the program: what `npm run build` made in `clients/web/dist`. A missing build is no error; the
//! daemon then serves a page that says how to make it.
//!
//! And has the program's relocations packed where the C library reads that: a megabyte less in the file, and in memory from
//! the start, because the loader reads every one of them.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// The first glibc that reads packed relocations (DT_RELR), by its release notes.
const GLIBC_WITH_RELR: (u32, u32) = (2, 36);

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
    fs::write(out.join("site.rs"), table)?;
    if glibc_of_the_target().is_some_and(|version| version >= GLIBC_WITH_RELR) {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    Ok(())
}

/// The version of the C library that is linked with, where it is this machine's own.
fn glibc_of_the_target() -> Option<(u32, u32)> {
    if env::var("HOST") != env::var("TARGET") || env::var("CARGO_CFG_TARGET_ENV").as_deref() != Ok("gnu") {
        return None;
    }
    let said = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let (major, minor) = said.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
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
