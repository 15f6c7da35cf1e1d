//! `deskconnctl call`.

use client::{Args, Session, Value};

use super::seconds;
use crate::args::Call;
use crate::explain::{Deed, explain};
use crate::failure::Failure;
use crate::output::Output;
use crate::values;

pub(super) async fn run(session: &Session, call: &Call, output: &Output) -> Result<(), Failure> {
    let args = values::arguments(&call.arguments)?;
    let Some(limit) = call.timeout else {
        return finish(perform(session, call, args, output).await?, output);
    };
    // Dropping the call cancels it.
    let result = tokio::time::timeout(seconds(limit)?, perform(session, call, args, output)).await;
    let late = || {
        Failure::failed(format!(
            "there was no answer within {limit} s, and the call was cancelled"
        ))
        .hint("--timeout gives it longer")
    };
    finish(result.map_err(|_| late())??, output)
}

async fn perform(session: &Session, call: &Call, args: Args, output: &Output) -> Result<Args, Failure> {
    if !call.progress {
        let result = session.call(&call.uri, args).await;
        return match result {
            Ok(result) => Ok(result),
            Err(error) => Err(explain(session, Deed::Call, &call.uri, error).await),
        };
    }
    let mut shown = Ok(());
    let show = |result: Args| {
        if shown.is_ok() {
            let text = values::lines(&result);
            let mut row = values::row(result);
            row.insert("progress".to_owned(), Value::Bool(true));
            shown = output.result(&row, || text);
        }
    };
    match session.call_progressively(&call.uri, args, show).await {
        Ok(result) => shown.map(|()| result),
        Err(error) => Err(explain(session, Deed::Call, &call.uri, error).await),
    }
}

fn finish(result: Args, output: &Output) -> Result<(), Failure> {
    let text = values::lines(&result);
    output.result(&values::row(result), || text)
}
