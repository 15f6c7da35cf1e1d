//! Arguments that are taken, and the sentences about those that are not.

use super::super::testing::{ask, ask_with, id_of, sentence};
use super::super::{PROCEDURES, TOPICS};
use crate::realm::scene::Scene;
use crate::value::Value;

const WRONG: &str = "wamp.error.invalid_argument";

#[test]
fn an_argument_is_taken_by_its_place_or_by_its_name_but_not_by_both() {
    let mut scene = Scene::of(&["phone"]);
    let id = id_of(&scene, "phone");
    let by_place = ask(&mut scene, "phone", "wamp.session.get", std::slice::from_ref(&id));
    let by_name = ask_with(&mut scene, "phone", "wamp.session.get", &[], &[("session", id.clone())]);
    assert!(by_place.is_ok());
    assert_eq!(by_place, by_name);
    let twice = ask_with(
        &mut scene,
        "phone",
        "wamp.session.get",
        std::slice::from_ref(&id),
        &[("session", id.clone())],
    );
    assert_eq!(twice, Err(WRONG.to_owned()));
    let unknown = ask_with(
        &mut scene,
        "phone",
        "wamp.session.get",
        &[id],
        &[("sesion", 1_u64.into())],
    );
    assert_eq!(unknown, Err(WRONG.to_owned()));
}

#[test]
fn too_few_and_too_many_arguments_are_refused_by_every_procedure() {
    let mut scene = Scene::of(&["phone"]);
    for procedure in PROCEDURES.into_iter().flatten() {
        let many = vec![Value::Null; procedure.params.len() + 1];
        assert_eq!(
            ask(&mut scene, "phone", procedure.uri, &many),
            Err(WRONG.to_owned()),
            "{}",
            procedure.uri
        );
        if procedure.params.iter().any(|param| !param.ends_with('?')) {
            assert_eq!(
                ask(&mut scene, "phone", procedure.uri, &[]),
                Err(WRONG.to_owned()),
                "{}",
                procedure.uri
            );
        }
    }
}

#[test]
fn no_procedure_takes_a_value_of_every_type_in_silence() {
    let mut scene = Scene::of(&["phone"]);
    let nonsense = [
        Value::Bytes(vec![1]),
        true.into(),
        (-1_i64).into(),
        f64::INFINITY.into(),
    ];
    for procedure in PROCEDURES.into_iter().flatten().filter(|it| !it.params.is_empty()) {
        for value in &nonsense {
            let args = vec![value.clone(); procedure.params.len()];
            let answer = ask(&mut scene, "phone", procedure.uri, &args);
            assert!(answer.is_err(), "{} took {value:?}", procedure.uri);
        }
    }
}

#[test]
fn the_error_says_what_is_wrong_and_the_form_of_the_call() {
    let mut scene = Scene::of(&["phone"]);
    assert_eq!(
        sentence(&mut scene, "phone", "wamp.session.kill", &["x".into()]),
        "a session is given by its id, an integer; the form is wamp.session.kill(session, reason?, message?)"
    );
    assert_eq!(
        sentence(&mut scene, "phone", "wamp.session.get", &[]),
        "an argument is missing; the form is wamp.session.get(session)"
    );
}

#[test]
fn the_rows_are_sound() {
    let mut uris: Vec<_> = PROCEDURES.into_iter().flatten().map(|it| it.uri).collect();
    uris.extend(TOPICS.into_iter().flatten().map(|it| it.uri));
    let count = uris.len();
    uris.sort_unstable();
    uris.dedup();
    assert_eq!(uris.len(), count, "a URI has two rows");
    for procedure in PROCEDURES.into_iter().flatten() {
        let optional: Vec<_> = procedure.params.iter().map(|param| param.ends_with('?')).collect();
        assert!(
            optional.is_sorted(),
            "{}: what may be left out stands last",
            procedure.uri
        );
    }
}
