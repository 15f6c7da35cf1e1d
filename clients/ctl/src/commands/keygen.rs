//! `deskconnctl keygen`.

use client::{Dict, Value};
use pairing::DeviceKey;

use crate::args::Global;
use crate::failure::Failure;
use crate::key;
use crate::output::Output;

pub(super) fn run(global: &Global, output: &Output) -> Result<(), Failure> {
    let no_home = || Failure::failed("this user has no home directory; say with --key where the key should be");
    let path = global
        .login
        .key
        .clone()
        .or_else(key::default_path)
        .ok_or_else(no_home)?;
    let public = key::generate(&path)?.public();
    let fingerprint = DeviceKey::from_bytes(&public)
        .map_err(|error| Failure::failed(error.to_string()))?
        .fingerprint();
    let row = Dict::from([
        ("public".to_owned(), Value::from(hex::encode(public))),
        ("fingerprint".to_owned(), fingerprint.as_str().into()),
        ("file".to_owned(), path.display().to_string().into()),
    ]);
    let fields = [
        ("public key", hex::encode(public).into()),
        ("shown as", fingerprint.as_str().into()),
        ("file", path.display().to_string().into()),
    ];
    output.fields(&row, &fields)
}
