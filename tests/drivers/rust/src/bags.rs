//! Contexts that the runner makes outside of tasks.

use std::collections::HashMap;

use wool::Context;

use crate::caller::reported;
use crate::protocol::{self, Failure, Options, Tokens, say};

#[derive(Default)]
pub(crate) struct Bags(HashMap<String, Context>);

impl Bags {
    /// The context of a call that says `bag=ID`.
    pub(crate) fn of(&self, options: &Options) -> Result<Option<Context>, Failure> {
        options.text("bag").map(|id| self.get(id)).transpose()
    }

    fn get(&self, id: &str) -> Result<Context, Failure> {
        let bag = self.0.get(id).cloned();
        bag.ok_or_else(|| Failure::new(format!("there is no context {id:?}")))
    }

    pub(crate) fn make(&mut self, id: &str, tokens: Tokens<'_>) -> Result<(), Failure> {
        let context = Context::new();
        for token in tokens.rest() {
            let (namespace, name, value) = protocol::context_value(token)?;
            if let Err(error) = value.and_then(|value| context.set(namespace, name, value)) {
                say(&protocol::error(id, &error));
                return Ok(());
            }
        }
        self.0.insert(id.to_owned(), context);
        say(&format!("bag {id}"));
        Ok(())
    }

    pub(crate) fn set(&self, id: &str, mut tokens: Tokens<'_>) -> Result<(), Failure> {
        let context = self.get(tokens.next("context")?)?;
        let namespace = protocol::untext(tokens.next("namespace")?)?;
        let name = protocol::untext(tokens.next("name")?)?;
        let set = match tokens.next("value")? {
            "-" => {
                context.unset(&namespace, &name);
                Ok(())
            }
            token => protocol::value(token)?.and_then(|value| context.set(namespace, name, value)),
        };
        match set {
            Ok(()) => say(&format!("bagset {id}")),
            Err(error) => say(&protocol::error(id, &error)),
        }
        Ok(())
    }

    pub(crate) fn tell(&self, id: &str, mut tokens: Tokens<'_>) -> Result<(), Failure> {
        let context = self.get(tokens.next("context")?)?;
        let namespace = protocol::untext(tokens.next("namespace")?)?;
        let name = protocol::untext(tokens.next("name")?)?;
        match context.get(&namespace, &name) {
            Ok(value) => say(&reported("result", id, &value.unwrap_or_default())),
            Err(error) => say(&protocol::error(id, &error)),
        }
        Ok(())
    }
}
