//! The clock is set while the daemon runs: what goes by the time of day follows, what goes by how long something lasts does not.
//!
//! The daemon's clock is libfaketime's, which adds to CLOCK_REALTIME what a file says; CLOCK_MONOTONIC stays the kernel's.

use std::fs;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use client::{Args, CallOptions, Client, Error, Session, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::timeout;

use crate::desk::Desk;
use crate::judge::{Judge, until};
use crate::users::{Users, history};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Days since 1970: the first, and when 31 bits of seconds are over.
const EARLY: i64 = 0;
const LATE: i64 = (1 << 31) / DAY + 100;
/// Timers for a time of day run for 30 seconds at most (`LONGEST_WAIT`, `LONGEST_LOOK`).
const FOLLOWS: Duration = Duration::from_secs(33);
/// How long each of the other clocks holds.
const LASTS: Duration = Duration::from_secs(3);
/// How often something is done meanwhile that is done each second: the ends are for a machine that is busy. By a clock that is
/// set it would be done not at all, or thousands of times.
const BEATS: RangeInclusive<u64> = 1..=5;
/// A call that its callee does not answer ends after this time …
const TIMES_OUT: Duration = Duration::from_millis(300);
/// … and so much later at most, on a machine that is busy.
const LATER: Duration = Duration::from_secs(3);
/// Where Debian has the library.
const LIBRARIES: [&str; 2] = ["/usr/lib", "/usr/local/lib"];
/// Something that only a grant allows.
const GRANTED: &str = "org.deskconn.app.granted";
/// Something that is never answered.
const NEVER: &str = "org.deskconn.app.never";

/// A clock that is off by what its file says.
#[derive(Debug)]
pub(crate) struct Clock(PathBuf);

impl Clock {
    pub(crate) fn new(file: PathBuf) -> Self {
        let clock = Self(file);
        clock.put(0);
        clock
    }

    /// What a program has to be told to go by it; `None` where libfaketime is not installed.
    pub(crate) fn environment(&self) -> Option<[(&'static str, String); 5]> {
        let triples = LIBRARIES
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok())
            .flatten();
        let mut found = triples.filter_map(|entry| Some(entry.ok()?.path().join("faketime/libfaketime.so.1")));
        let library = found.find(|path| path.exists())?;
        Some([
            ("LD_PRELOAD", library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.0.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            // The times of files are the kernel's.
            ("NO_FAKE_STAT", "1".to_owned()),
        ])
    }

    /// Puts it so many seconds forward, or back.
    fn put(&self, seconds: i64) {
        let new = self.0.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n")).unwrap();
        fs::rename(new, &self.0).unwrap();
    }

    /// Puts it to that many days since 1970, at the time of day that it is: what is done at a time of day is then as near, or
    /// as long ago, as it is really, whenever this runs.
    fn put_day(&self, days: i64) {
        self.put((days - now() / DAY) * DAY);
    }

    /// Whether a time is now by this clock, give or take what a busy machine needs.
    fn has(&self, time: OffsetDateTime) -> bool {
        let seconds: i64 = fs::read_to_string(&self.0).unwrap().trim().parse().unwrap();
        (time.unix_timestamp() - seconds - now()).abs() < 30
    }
}

/// Seconds since 1970, really.
fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// An action at half an hour from now, and one each second.
pub(crate) fn actions() -> String {
    let soon = (OffsetDateTime::now_utc() + Duration::from_secs(1_800)).time();
    format!(
        "[[action]]\nname = \"later\"\nwhen = {{ at = \"{:02}:{:02}\" }}\nthen = {{ publish = \"org.deskconn.app.later\" }}\n\
         [[action]]\nname = \"beat\"\nwhen = {{ every = \"1s\" }}\nthen = {{ publish = \"org.deskconn.app.beat\" }}\n",
        soon.hour(),
        soon.minute()
    )
}

/// The time as the daemon has it: when it has noted its newest entry.
async fn time_of(owner: &Session, device: &str) -> Option<OffsetDateTime> {
    let id = Value::from(device);
    owner
        .call("org.deskconn.devices.rename", [id.clone(), "now".into()])
        .await
        .ok()?;
    let found = owner
        .call("org.deskconn.audit.get", Args::default().with("limit", 1))
        .await
        .ok()?
        .into_value();
    let time = found.as_list()?.first()?.as_dict()?.get("time")?.as_str()?.to_owned();
    OffsetDateTime::parse(&time, &Rfc3339).ok()
}

/// Whether the device may do what only its grant allows.
async fn is_granted(device: &Client) -> bool {
    device.call(GRANTED, []).await.is_ok()
}

/// Gives the device a grant of half an hour.
async fn grant(judge: Judge, users: &Users, owner: &Session) {
    let granted = |_: client::Invocation| async { Ok(Value::Null.into()) };
    owner.register(GRANTED, granted).await.unwrap();
    let before = is_granted(&users.device).await;
    let end = OffsetDateTime::now_utc() + Duration::from_secs(1_800);
    let grant =
        Args::from([users.device_id.as_str().into(), GRANTED.into()]).with("until", end.format(&Rfc3339).unwrap());
    owner.call("org.deskconn.devices.grant", grant).await.unwrap();
    let is_so = !before && is_granted(&users.device).await;
    judge.hears("a grant of half an hour holds", is_so, "");
}

/// Sets the clock, again and again, and looks at what follows it.
pub(crate) async fn jumps(desk: &mut Desk, clock: &Clock) {
    let judge = Judge("clock");
    let users = Users::begin(desk).await;
    let owner = desk.owner().await;
    let never = |_: client::Invocation| std::future::pending();
    owner.register(NEVER, never).await.unwrap();
    grant(judge, &users, &owner).await;
    let mut later = owner.subscribe("org.deskconn.app.later").await.unwrap();
    let window = Args::default().with("ttl", 120);
    owner.call("org.deskconn.pairing.open", window).await.unwrap();
    let (sample, mark) = (desk.sample(), desk.mark());
    users.season();

    clock.put(HOUR);
    let ended = until(FOLLOWS, async || !is_granted(&users.device).await).await;
    judge.hears(
        "an hour later the grant is over",
        ended.is_some(),
        format!("after {ended:.1?}"),
    );
    let done = timeout(FOLLOWS, later.next()).await.ok().flatten();
    judge.hears("an action whose time has passed is made up for", done.is_some(), "");
    let people = (&users, &owner);
    holds((judge, "an hour ahead"), desk, clock, people).await;
    for (name, days) in [("a day back", now() / DAY - 1), ("1970", EARLY), ("2038", LATE)] {
        clock.put_day(days);
        holds((judge, name), desk, clock, people).await;
    }
    let again = timeout(Duration::ZERO, later.next()).await.ok();
    let sentence = "nothing is made up for twice, or that was too long ago";
    judge.hears(sentence, again.is_none(), format!("{again:?}"));
    after(judge, desk, clock, people).await;
    judge.logged(
        desk,
        mark,
        &["the clock went forward", "the clock went back", "by_s=3600"],
    );
    owner.leave().await;
    judge.recovered(desk, &sample).await;
    starts(judge, desk, clock, users).await;
}

/// What stands when the clock is right again.
async fn after(judge: Judge, desk: &Desk, clock: &Clock, (users, owner): (&Users, &Session)) {
    let other = owner.call("org.deskconn.pairing.open", []).await;
    let is_open = other
        .as_ref()
        .is_err_and(|error| error.to_string().contains("open already"));
    let seen = format!("{:?}", other.map(drop));
    judge.hears(
        "a window for pairing stays open, whatever the clock says",
        is_open,
        seen,
    );
    owner.call("org.deskconn.pairing.close", []).await.unwrap();
    clock.put(0);
    let device = owner
        .call("org.deskconn.devices.get", [users.device_id.as_str().into()])
        .await;
    let device = format!("{:?}", device.unwrap().into_value());
    judge.hears("the grant counts again", device.contains("\"holds\": Bool(true)"), "");
    let session = desk.session("ws").await;
    let (found, kept) = (history(&session).await, users.kept().acknowledged);
    let is_so = found.len() > 1 && found.iter().eq(kept.iter().take(found.len()));
    judge.hears(
        "the history is whole and in the order of the events",
        is_so,
        format!("{} events", found.len()),
    );
    session.leave().await;
}

/// What holds whatever the clock says.
async fn holds((judge, name): (Judge, &str), desk: &Desk, clock: &Clock, (users, owner): (&Users, &Session)) {
    let mut beats = owner.subscribe("org.deskconn.app.beat").await.unwrap();
    let began = Instant::now();
    let mut heard = 0;
    while let Ok(Some(_)) = timeout(LASTS.saturating_sub(began.elapsed()), beats.next()).await {
        heard += 1;
    }
    judge.hears(
        &format!("{name}: what is done each second is done each second"),
        BEATS.contains(&heard),
        heard,
    );
    let began = Instant::now();
    let options = CallOptions {
        timeout: u32::try_from(TIMES_OUT.as_millis()).unwrap(),
        ..CallOptions::default()
    };
    let answer = owner.call_with(NEVER, [], options).await;
    let took = began.elapsed();
    let is_so = matches!(answer, Err(Error::Request(_))) && (TIMES_OUT..TIMES_OUT + LATER).contains(&took);
    judge.hears(
        &format!("{name}: calls time out in their time"),
        is_so,
        format!("{took:.1?}"),
    );
    let time = time_of(owner, &users.device_id).await;
    let is_so = time.is_some_and(|time| clock.has(time));
    judge.hears(
        &format!("{name}: the audit log has the time of the clock"),
        is_so,
        format!("{time:?}"),
    );
    let target = format!("wss://{}/ws", desk.address()).parse().unwrap();
    let again = Client::builder(users.options.clone()).at(target).open().await;
    judge.hears(
        &format!("{name}: the device comes in by TLS"),
        again.is_ok(),
        format!("{:?}", again.as_ref().err()),
    );
    if let Ok(again) = again {
        again.close().await;
    }
    judge.served(&users.season());
}

/// Starts it with a clock that is wrong.
async fn starts(judge: Judge, desk: &mut Desk, clock: &Clock, users: Users) {
    let (options, id) = (users.options.clone(), users.device_id.clone());
    users.leave().await;
    for (name, days) in [("1970", EARLY), ("2038", LATE)] {
        clock.put_day(days);
        let in_order = desk.end().await;
        desk.start_again().await;
        let target = format!("wss://{}/ws", desk.address()).parse().unwrap();
        let device = Client::builder(options.clone()).at(target).open().await;
        let owner = desk.owner().await;
        let time = time_of(&owner, &id).await;
        owner.leave().await;
        let is_so = in_order && device.is_ok() && time.is_some_and(|time| clock.has(time));
        judge.hears(
            &format!("it starts in {name}, and the device comes in"),
            is_so,
            format!("{time:?}"),
        );
        if let Ok(device) = device {
            device.close().await;
        }
    }
}
