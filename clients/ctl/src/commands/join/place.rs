//! Which desktop `deskconnctl join` goes to, and the secret that proves that a person has been there.

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use client::discovery::Found;
use pairing::exchange::Secret;
use pairing::{Code, Link};
use zeroize::Zeroizing;

use crate::args::Global;
use crate::commands::desktops::at;
use crate::connect::PORT;
use crate::failure::Failure;
use crate::nearby;
use crate::output::Output;
use crate::typed::Typed;

/// How often a code or link that cannot be one may be typed anew.
const TRIES: u32 = 3;

/// A desktop to go to.
#[derive(Debug)]
pub(super) struct Place {
    /// How it is called in sentences.
    pub(super) name: String,
    /// Hosts with their ports, in the order in which they are tried.
    pub(super) hosts: Vec<String>,
}

/// What was given as the argument.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted<'a> {
    /// Any that waits for a device.
    Any,
    /// The one of a link, which is typed.
    Link,
    /// The one at this host and port.
    Host(String),
    /// The one that calls itself so on the network, or a host of the local network.
    Name(&'a str),
}

impl<'a> Wanted<'a> {
    pub(super) fn parse(place: Option<&'a str>) -> Result<Self, Failure> {
        let Some(place) = place else { return Ok(Self::Any) };
        if place == "-" {
            return Ok(Self::Link);
        }
        if place.contains("://") || place.contains("#p=") {
            return Err(exposed("a link", "give - in its place and paste the link when asked"));
        }
        if place.parse::<Code>().is_ok() {
            return Err(exposed("a code", "leave it out and type it when asked"));
        }
        if let Ok(ip) = place.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Ok(Self::Host(at(&ip.to_string(), PORT)));
        }
        let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port != 0);
        if let Some((host, port)) = place.rsplit_once(':')
            && is_port(port)
            && !host.is_empty()
        {
            return Ok(Self::Host(place.to_owned()));
        }
        let is_domain = place.contains('.')
            && place
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b"-.".contains(&it));
        if is_domain || place == "localhost" {
            return Ok(Self::Host(at(place, PORT)));
        }
        Ok(Self::Name(place))
    }
}

fn exposed(what: &str, instead: &str) -> Failure {
    Failure::Usage(format!(
        "{what} is not taken as an argument, because every user of this machine can see the arguments of programs: \
         {instead}. Those who saw this one can use it too, so open a new window at the desktop"
    ))
}

/// Finds the desktop, and asks for its secret.
pub(super) async fn ask(
    wanted: &Wanted<'_>,
    global: &Global,
    output: &Output,
    typed: &mut Typed,
) -> Result<(Place, Secret), Failure> {
    let place = match wanted {
        Wanted::Link => {
            let link = ask_link(output, typed).await?;
            let host = at(&link.host, link.port);
            let place = Place {
                name: host.clone(),
                hosts: vec![host],
            };
            return Ok((place, Secret::Link(link)));
        }
        Wanted::Host(host) => Place {
            name: host.clone(),
            hosts: vec![host.clone()],
        },
        Wanted::Any => waiting(global, output, typed).await?,
        Wanted::Name(name) => named(name, global, output).await?,
    };
    // Where nobody answers, no code need be typed. While it is typed nothing is kept open: that takes as long as it takes.
    let words = format!("looking whether {} answers", place.name);
    // The desktop takes one device at a time: the exchange begins when it knows that this look is over.
    let look = async { super::connect(&place).await.map(|channel| channel.close()) };
    output.while_waiting(&words, look).await?.await;
    let question = format!("Code that {} shows:", place.name);
    let code = ask_for::<Code>(&question, output, typed).await?;
    Ok((place, Secret::Code(code)))
}

async fn ask_link(output: &Output, typed: &mut Typed) -> Result<Link, Failure> {
    let link = ask_for::<Link>("Link:", output, typed).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    if link.is_expired(now.as_secs()) {
        return Err(Failure::failed(
            "this link is no longer good; open a new window at the desktop",
        ));
    }
    Ok(link)
}

/// What is typed behind a question; `None` when nothing more can come.
async fn answer(question: &str, output: &Output, typed: &mut Typed) -> Option<Zeroizing<String>> {
    output.question(question);
    let line = typed.next().await;
    output.answered(line.is_some());
    line
}

/// Asks until what is typed can be what is asked for.
async fn ask_for<T>(question: &str, output: &Output, typed: &mut Typed) -> Result<T, Failure>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let mut complaint = "nothing was typed".to_owned();
    for _ in 0..TRIES {
        let Some(line) = answer(question, output, typed).await else {
            break;
        };
        match line.parse() {
            Ok(secret) => return Ok(secret),
            Err(error) => complaint = error.to_string(),
        }
        output.remark(&complaint);
    }
    Err(Failure::Usage(complaint))
}

/// The desktop on the network that waits for a device; where several do, the one that is chosen.
async fn waiting(global: &Global, output: &Output, typed: &mut Typed) -> Result<Place, Failure> {
    let search = nearby::desktops(global, usize::MAX, |found| found.txt("pair") == Some("1"));
    let mut found = output
        .while_waiting("looking for desktops that wait for a device", search)
        .await?;
    let chosen = match found.len() {
        0 => {
            return Err(Failure::NotFound(
                "no desktop on this network waits for a device; run `deskconnctl pair` at the desktop, or name it with \
                 its address: deskconnctl join HOST"
                    .to_owned(),
            ));
        }
        1 => 0,
        count => choose(&found, count, output, typed).await?,
    };
    let found = found.swap_remove(chosen);
    output.remark(&format!("found {}", found.name));
    Ok(place(&found))
}

async fn choose(found: &[Found], count: usize, output: &Output, typed: &mut Typed) -> Result<usize, Failure> {
    for (number, one) in found.iter().enumerate() {
        let at = nearby::hosts(one).into_iter().next().unwrap_or_default();
        output.remark(&format!("{:>3}  {}  ({at})", number + 1, one.name));
    }
    let question = format!("Which one? [1-{count}]");
    for _ in 0..TRIES {
        let Some(line) = answer(&question, output, typed).await else {
            break;
        };
        if let Ok(number @ 1..) = line.trim().parse::<usize>()
            && number <= count
        {
            return Ok(number - 1);
        }
    }
    Err(Failure::Usage(
        "several desktops wait for a device; say which one".to_owned(),
    ))
}

/// The desktop that calls itself so on the network; a host of this name otherwise.
async fn named(name: &str, global: &Global, output: &Output) -> Result<Place, Failure> {
    let is_it = |found: &Found| found.name.to_lowercase() == name.to_lowercase() || found.id.as_deref() == Some(name);
    let search = nearby::desktops(global, 1, is_it);
    let found = output.while_waiting(&format!("looking for {name}"), search).await?;
    if let Some(found) = found.first() {
        return Ok(place(found));
    }
    let host = at(name, PORT);
    let is_host = name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
    if is_host && tokio::net::lookup_host(&host).await.is_ok() {
        return Ok(Place {
            name: name.to_owned(),
            hosts: vec![host],
        });
    }
    Err(Failure::NotFound(format!(
        "no desktop {name} was found; `deskconnctl discover` shows those on this network, and any other one is named by \
         its address: deskconnctl join HOST"
    )))
}

fn place(found: &Found) -> Place {
    Place {
        name: found.name.clone(),
        hosts: nearby::hosts(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_names_are_told_apart_as_people_write_them() {
        let host = |text: &str| Wanted::Host(text.to_owned());
        for (place, wanted) in [
            ("192.0.2.7", host("192.0.2.7:5020")),
            ("192.0.2.7:80", host("192.0.2.7:80")),
            ("::1", host("[::1]:5020")),
            ("[::1]", host("[::1]:5020")),
            ("[::1]:80", host("[::1]:80")),
            ("desk.local", host("desk.local:5020")),
            ("desk:80", host("desk:80")),
            ("localhost", host("localhost:5020")),
            ("-", Wanted::Link),
            ("desk", Wanted::Name("desk")),
            ("Zoë’s desk v1.2", Wanted::Name("Zoë’s desk v1.2")),
        ] {
            assert_eq!(Wanted::parse(Some(place)).unwrap(), wanted, "{place}");
        }
        assert_eq!(Wanted::parse(None).unwrap(), Wanted::Any);
    }

    #[test]
    fn secrets_are_refused_as_arguments_with_the_reason_and_are_not_repeated() {
        let link = "http://192.0.2.7:5020/#p=1.4OHi4-Tl5ufo6err7O3u73ykkaTtfyc0eKywUTmkcz9rAWbw";
        for secret in [link, "#p=1.x", "1234-5678", "12345678"] {
            let failure = Wanted::parse(Some(secret)).unwrap_err();
            let sentence = failure.to_string();
            assert!(
                matches!(failure, Failure::Usage(_)) && sentence.contains("can see the arguments"),
                "{sentence}"
            );
            assert!(!sentence.contains(secret));
        }
    }
}
