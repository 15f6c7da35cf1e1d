//! Tests of what is answered to whom, how soon and how often.

use super::*;

#[test]
fn a_question_is_answered_to_everybody_after_a_short_delay_with_what_is_asked_next() {
    let (mut responder, now) = established();
    assert_eq!(
        hear(&mut responder, &ask(pointer()), from(2, PORT), now),
        (Vec::new(), None)
    );
    let sent = run(&mut responder, now, now + 1000 * MS);
    assert_eq!(sent.len(), 1);
    let (delay, answer) = &sent[0];
    assert!((20..120).contains(delay), "{delay}");
    assert_eq!(
        answer.answers.iter().map(|record| record.kind).collect::<Vec<_>>(),
        [kind::PTR]
    );
    let more: Vec<u16> = answer.additional.iter().map(|record| record.kind).collect();
    assert_eq!(more, [kind::SRV, kind::TXT, kind::A]);
}

#[test]
fn a_question_for_what_only_we_have_is_answered_at_once() {
    let (mut responder, now) = established();
    let question = Question {
        name: name("mydesk"),
        kind: kind::SRV,
        wants_unicast: false,
    };
    hear(&mut responder, &ask(question), from(2, PORT), now);
    let sent = run(&mut responder, now, now);
    assert_eq!(sent[0].1.answers[0].kind, kind::SRV);
    assert_eq!(
        sent[0]
            .1
            .additional
            .iter()
            .map(|record| record.kind)
            .collect::<Vec<_>>(),
        [kind::A]
    );
}

#[test]
fn a_record_goes_to_everybody_once_a_second_at_most() {
    let (mut responder, now) = established();
    let question = Question {
        name: name("MyDesk"),
        kind: kind::TXT,
        wants_unicast: false,
    };
    let mut times = Vec::new();
    for tick in 0..50 {
        let at = now + tick * 100 * MS;
        hear(&mut responder, &ask(question.clone()), from(2, PORT), at);
        times.extend(run(&mut responder, now, at).iter().map(|(sent, _)| *sent));
    }
    assert_eq!(times, [0, 1000, 2000, 3000, 4000]);
}

#[test]
fn what_the_asker_knows_is_not_told_unless_it_is_half_forgotten() {
    let (mut responder, now) = established();
    let mut known = records("MyDesk", "9f2c1a0b", 1).remove(0);
    hear(
        &mut responder,
        &Message {
            answers: vec![known.clone()],
            ..ask(pointer())
        },
        from(2, PORT),
        now,
    );
    assert_eq!(responder.deadline(), None);
    known.ttl = known.ttl / 2 - 1;
    hear(
        &mut responder,
        &Message {
            answers: vec![known],
            ..ask(pointer())
        },
        from(2, PORT),
        now,
    );
    assert!(responder.deadline().is_some());
}

#[test]
fn known_answers_that_follow_in_another_packet_are_waited_for() {
    let (mut responder, now) = established();
    let known = records("MyDesk", "9f2c1a0b", 1).remove(0);
    hear(
        &mut responder,
        &Message {
            is_truncated: true,
            ..ask(pointer())
        },
        from(2, PORT),
        now,
    );
    let due = responder.deadline().unwrap().duration_since(now).as_millis();
    assert!((400..500).contains(&due), "{due}");
    hear(
        &mut responder,
        &Message {
            answers: vec![known],
            ..Message::default()
        },
        from(2, PORT),
        now + 100 * MS,
    );
    assert_eq!(responder.deadline(), None);
}

#[test]
fn who_asks_for_unicast_gets_it_and_everybody_only_after_a_while() {
    let (mut responder, now) = established();
    let question = Question {
        name: name("MyDesk"),
        kind: kind::SRV,
        wants_unicast: true,
    };
    let (outputs, _) = hear(&mut responder, &ask(question.clone()), from(2, PORT), now);
    assert!(matches!(&outputs[..], [Output::Unicast(to, _)] if *to == from(2, PORT)));
    assert_eq!(responder.deadline(), None, "everybody heard it ten seconds ago");
    hear(&mut responder, &ask(question), from(2, PORT), now + 40_000 * MS);
    assert!(responder.deadline().is_some(), "a quarter of its two minutes is over");
}

#[test]
fn a_program_that_is_no_responder_gets_a_short_lived_answer_with_its_own_number() {
    let (mut responder, now) = established();
    let question = Message {
        id: 77,
        ..ask(pointer())
    };
    let (outputs, _) = hear(&mut responder, &question, from(2, 40_000), now);
    let [Output::Unicast(to, packet)] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    let answer = Message::read(packet).unwrap();
    assert_eq!(
        (*to, answer.id, &answer.questions),
        (from(2, 40_000), 77, &question.questions)
    );
    let all = answer.answers.iter().chain(&answer.additional);
    assert!(all.clone().count() == 4 && all.clone().all(|record| record.ttl == 10 && !record.is_unique));
    assert_eq!(responder.deadline(), None);
}

#[test]
fn a_probe_for_an_established_name_is_answered_to_everybody_at_once() {
    let (mut responder, now) = established();
    let question = Question {
        name: name("MyDesk"),
        kind: kind::ANY,
        wants_unicast: true,
    };
    let probe = Message {
        authority: records("MyDesk", "aaaaaaaa", 2),
        ..ask(question)
    };
    hear(&mut responder, &probe, from(2, PORT), now);
    assert_eq!(run(&mut responder, now, now).len(), 1);
    // The next probe comes a quarter of a second later and is answered too.
    hear(&mut responder, &probe, from(2, PORT), now + 250 * MS);
    assert_eq!(run(&mut responder, now, now + 250 * MS).len(), 1);
}
