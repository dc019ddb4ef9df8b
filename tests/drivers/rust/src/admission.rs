//! The admission hook of `admit=tags`.

use std::sync::Arc;

use wool::value::Value;
use wool::{Admission, AdmissionHook, AdmissionInfo, Decision};

use crate::routines::{Counters, blow_up};

pub(crate) fn by_tags(counters: &Arc<Counters>) -> Arc<dyn Admission> {
    let counters = Arc::clone(counters);
    Arc::new(AdmissionHook::blocking(move |call| {
        Ok(decide(&call, &counters))
    }))
}

fn decide(call: &AdmissionInfo, counters: &Counters) -> Decision {
    match &*call.tag {
        "busy" => Decision::Busy("the hook says busy".to_owned()),
        "refuse" => Decision::Refuse(format!("refused by the hook: {}", call.routine)),
        "alone" if call.in_flight > 0 => {
            Decision::Refuse(format!("{} others in flight", call.in_flight))
        }
        "throw" => {
            blow_up("the hook fell over".to_owned());
            Decision::Accept
        }
        "friends" => {
            let who = call.context.get("conf", "who").ok().flatten();
            match who.as_ref().and_then(Value::as_str).unwrap_or("nobody") {
                "friend" => Decision::Accept,
                who => Decision::Refuse(format!("{who} is no friend")),
            }
        }
        "names" => Decision::Refuse(match &*call.peer {
            [] => "called by nobody".to_owned(),
            names => format!("called by {}", names.join(",")),
        }),
        "hold" => {
            counters.barrier.hold();
            Decision::Accept
        }
        _ => Decision::Accept,
    }
}
