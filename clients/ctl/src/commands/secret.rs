//! `deskconnctl secret`: what a configuration keeps of a password.

use std::io::{IsTerminal as _, stdin};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use client::{Dict, Value, cra, scram};
use rand::TryRng as _;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::args::{Secret, SecretKdf, SecretMethod};
use crate::failure::Failure;
use crate::output::Output;
use crate::system::{EndSignals, Unseen};
use crate::typed::Typed;

/// The longest password: of a longer line only the beginning is read.
const MAX_PASSWORD: usize = 1_023;
/// How often WAMP-CRA's key is derived: as often as OWASP recommends for PBKDF2 with SHA-256. Libraries do it in a second.
const CRA_ITERATIONS: u32 = scram::PBKDF2_ITERATIONS;
const CRA_KEY_LENGTH: usize = 32;

pub(super) async fn run(secret: &Secret, output: &Output) -> Result<(), Failure> {
    let password = ask(output).await?;
    let mut salt = [0; scram::SALT];
    let failed = |error: &dyn std::fmt::Display| Failure::failed(error.to_string());
    SysRng.try_fill_bytes(&mut salt).map_err(|error| failed(&error))?;
    let kept = match secret.method {
        SecretMethod::WampScram => kept_of_scram(&password, secret.kdf, &salt).map_err(|error| failed(&error))?,
        SecretMethod::Wampcra => kept_of_cra(&password, &salt),
    };
    let method = match secret.method {
        SecretMethod::WampScram => "wamp-scram",
        SecretMethod::Wampcra => "wampcra",
    };
    let mut keys: Vec<(&str, Value)> = vec![
        ("authid", secret.authid.as_str().into()),
        ("role", secret.role.as_str().into()),
        ("method", method.into()),
    ];
    keys.extend(kept);
    let row: Dict = keys
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    output.result(&row, || toml(&keys))
}

/// The password: twice from a terminal, where it is not seen, or the first line of a pipe.
async fn ask(output: &Output) -> Result<Zeroizing<String>, Failure> {
    let failed = |error: std::io::Error| Failure::failed(format!("the password cannot be read: {error}"));
    let mut signals = EndSignals::new().map_err(failed)?;
    let _unseen = Unseen::take().map_err(failed)?;
    let mut typed = Typed::begin();
    let is_person = stdin().is_terminal();
    let mut next = async |question: &str| {
        if is_person {
            output.question(question);
        }
        let line = tokio::select! {
            line = typed.next() => line,
            () = signals.next() => None,
        };
        output.answered(false);
        line.ok_or_else(|| Failure::failed("there is no password"))
    };
    let password = next("Password:").await?;
    if password.is_empty() || password.len() > MAX_PASSWORD {
        return Err(Failure::failed(format!("a password has 1 to {MAX_PASSWORD} bytes")));
    }
    if is_person && *next("Again:").await? != *password {
        return Err(Failure::failed("the two are different: nothing was made"));
    }
    Ok(password)
}

fn kept_of_scram(password: &str, kdf: SecretKdf, salt: &[u8]) -> Result<Vec<(&'static str, Value)>, scram::ScramError> {
    let salt = salt.to_vec();
    let hashing = match kdf {
        SecretKdf::Argon2id13 => scram::Hashing {
            kdf: scram::Kdf::Argon2id13 {
                memory: scram::MEMORY_KIB,
            },
            salt,
            iterations: scram::ARGON2_ITERATIONS,
        },
        SecretKdf::Pbkdf2 => scram::Hashing {
            kdf: scram::Kdf::Pbkdf2,
            salt,
            iterations: scram::PBKDF2_ITERATIONS,
        },
    };
    let credential = scram::Credential::of_password(password, hashing)?;
    let hashing = &credential.hashing;
    let mut kept = vec![
        ("kdf", hashing.kdf.name().into()),
        ("iterations", u64::from(hashing.iterations).into()),
    ];
    if let scram::Kdf::Argon2id13 { memory } = hashing.kdf {
        kept.push(("memory_kib", u64::from(memory).into()));
    }
    kept.push(("salt", BASE64.encode(&hashing.salt).into()));
    kept.push(("stored_key", BASE64.encode(credential.stored_key).into()));
    kept.push(("server_key", BASE64.encode(credential.server_key).into()));
    Ok(kept)
}

fn kept_of_cra(password: &str, salt: &[u8]) -> Vec<(&'static str, Value)> {
    let salting = cra::Salting {
        salt: hex::encode(salt),
        iterations: CRA_ITERATIONS,
        key_length: CRA_KEY_LENGTH,
    };
    let key = cra::derive(password, &salting);
    vec![
        ("iterations", u64::from(salting.iterations).into()),
        ("salt", salting.salt.into()),
        ("key", key.into()),
    ]
}

/// The principal as it stands in the configuration.
fn toml(keys: &[(&str, Value)]) -> String {
    let line = |(key, value): &(&str, Value)| match value.as_u64() {
        Some(number) => format!("\n{key} = {number}"),
        None => format!("\n{key} = {}", quoted(value.as_str().unwrap_or_default())),
    };
    let lines: String = keys.iter().map(line).collect();
    format!("[[realm.principal]]{lines}")
}

/// A basic string of TOML, whose escapes are those of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use deskconnd::config::{Config, Login};

    use super::*;

    /// What a daemon reads of what is printed.
    fn read(kept: Vec<(&'static str, Value)>, method: &str) -> Login {
        let mut keys: Vec<(&str, Value)> = vec![
            ("authid", "joe \"the\" \\ sensor".into()),
            ("role", "user".into()),
            ("method", method.into()),
        ];
        keys.extend(kept);
        let realm = "[[realm]]\nname = \"home\"\n[[realm.role]]\nname = \"user\"\nrules = []\n";
        let config = Config::parse(Path::new("test.toml"), &format!("{realm}{}\n", toml(&keys))).unwrap();
        let joe = config.realms[0].principals[0].clone();
        assert_eq!(joe.authid, "joe \"the\" \\ sensor");
        joe.login
    }

    #[test]
    fn what_is_printed_is_what_the_daemon_needs_of_the_password() {
        for kdf in [SecretKdf::Argon2id13, SecretKdf::Pbkdf2] {
            let Login::Scram(read) = read(kept_of_scram("open", kdf, &[7; 16]).unwrap(), "wamp-scram") else {
                panic!()
            };
            let again = scram::Credential::of_password("open", read.hashing.clone()).unwrap();
            assert_eq!(read, again);
        }
        let salt = [7; 16];
        let Login::Cra(read) = read(kept_of_cra("open", &salt), "wampcra") else {
            panic!()
        };
        let salting = cra::Salting {
            salt: hex::encode(salt),
            iterations: CRA_ITERATIONS,
            key_length: CRA_KEY_LENGTH,
        };
        assert_eq!(read, cra::Credential::of_key(&cra::derive("open", &salting), salting));
    }
}
