//! Keys and pointer while the screen is locked.

use client::{Args, Error};

use crate::rights::{error_uri, grant, presenter};
use crate::support::{Desk, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_types_into_a_locked_screen_but_the_owner_and_who_has_a_grant_for_it() {
    let desk = Desk::start().await;
    let (phone, session, owner) = presenter(&desk).await;
    let next = "org.deskconn.slides.next";
    session.call(next, ()).await.unwrap();
    desk.machine.report_lock(Some(true));
    // The news of the lock goes its own way to the daemon.
    let refused = async {
        loop {
            match session.call(next, ()).await {
                Err(Error::Request(error)) => break error,
                other => assert!(other.is_ok(), "{other:?}"),
            }
        }
    };
    let refused = soon("the refusal", refused).await;
    assert_eq!(refused.uri, "org.deskconn.error.refused");
    assert!(refused.args[0].as_str().unwrap().contains("the screen is locked"));
    owner.call(next, ()).await.unwrap();
    grant(&owner, &phone, next, Args::default()).await;
    session.call(next, ()).await.unwrap();
    let back = error_uri(session.call("org.deskconn.slides.previous", ()).await);
    assert_eq!(back, "org.deskconn.error.refused", "the grant is for one key");
    desk.machine.report_lock(Some(false));
    let taken = async { while session.call("org.deskconn.slides.previous", ()).await.is_err() {} };
    soon("keys once it is unlocked", taken).await;
}
