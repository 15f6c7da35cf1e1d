//! What sessions have said of their procedures, topics and errors. A definition lives as long as the session that made
//! it; of several of one URI the newest counts, so that a program that is replaced by its next version needs no order.

use std::collections::{BTreeMap, BTreeSet};

use crate::codec::Serializer;
use crate::error::{self, Unconvertible};
use crate::id::SessionId;
use crate::limits::{MAX_DEFINITION_BYTES, MAX_DEFINITIONS, MAX_REALM_DEFINITION_BYTES};
use crate::outgoing::Delivery;
use crate::payload::Payload;
use crate::realm::role::Action;
use crate::realm::{Realm, Refusal};
use crate::uri::Uri;
use crate::value::{Dict, Value};

/// What a definition costs beside its URI and schema: itself and its places in the trees.
const OVERHEAD: usize = 256;

/// What a URI is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Procedure,
    Topic,
    Error,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Procedure => "procedure",
            Self::Topic => "topic",
            Self::Error => "error",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Procedure, Self::Topic, Self::Error];
        all.into_iter().find(|it| it.name() == name)
    }

    /// What a session must be allowed to do with a URI to define it. Errors are what callees answer with.
    pub(super) const fn offer(self) -> Action {
        match self {
            Self::Procedure | Self::Error => Action::Register,
            Self::Topic => Action::Publish,
        }
    }

    /// What whoever uses it does with it; errors are for everybody.
    pub(super) const fn usage(self) -> Option<Action> {
        match self {
            Self::Procedure => Some(Action::Call),
            Self::Topic => Some(Action::Subscribe),
            Self::Error => None,
        }
    }
}

/// What a session has said of a URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Definition {
    author: SessionId,
    pub(super) kind: Kind,
    /// The schema, encoded: a tree of values could take many times its bytes.
    schema: Payload,
}

impl Definition {
    pub(super) fn new(author: SessionId, kind: Kind, schema: &Dict) -> Result<Self, Unconvertible> {
        let schema = Payload::from_values(Serializer::MessagePack, &[], schema)?;
        Ok(Self { author, kind, schema })
    }

    pub(super) fn schema(&self) -> Dict {
        self.schema.to_values().map(|(_, schema)| schema).unwrap_or_default()
    }

    fn says_the_same(&self, other: &Self) -> bool {
        (self.kind, &self.schema) == (other.kind, &other.schema)
    }

    fn weight(&self, uri: &Uri) -> usize {
        OVERHEAD + uri.as_bytes().len() + self.schema.len()
    }
}

/// The definitions of a realm.
#[derive(Debug, Default)]
pub(in crate::realm) struct Definitions {
    /// Of each URI the oldest first; never none.
    by_uri: BTreeMap<Uri, Vec<Definition>>,
    bytes: usize,
}

/// What one session has defined.
#[derive(Debug, Default)]
pub(in crate::realm) struct Defined {
    uris: BTreeSet<Uri>,
    bytes: usize,
}

/// What a change of a session's definitions did to what is told of a URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// It is defined now, and was not.
    New,
    /// Something else is told of it.
    Other,
    /// It is defined no more.
    Gone,
}

impl Definitions {
    /// What is told of a URI.
    pub(super) fn get(&self, uri: &Uri) -> Option<&Definition> {
        self.by_uri.get(uri)?.last()
    }

    /// What is told of every URI, in the order of the URIs.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Uri, &Definition)> {
        self.by_uri.iter().filter_map(|(uri, all)| Some((uri, all.last()?)))
    }

    fn of(&self, uri: &Uri, author: SessionId) -> Option<&Definition> {
        self.by_uri.get(uri)?.iter().find(|it| it.author == author)
    }

    fn insert(&mut self, uri: &Uri, definition: Definition) {
        self.bytes += definition.weight(uri);
        if let Some(all) = self.by_uri.get_mut(uri) {
            all.push(definition);
        } else {
            self.by_uri.insert(uri.to_stored(), vec![definition]);
        }
    }

    fn remove(&mut self, uri: &Uri, author: SessionId) -> Option<Definition> {
        let all = self.by_uri.get_mut(uri)?;
        let place = all.iter().position(|it| it.author == author)?;
        let removed = all.remove(place);
        if all.is_empty() {
            self.by_uri.remove(uri);
        }
        self.bytes -= removed.weight(uri);
        Some(removed)
    }

    /// Whether nothing is defined, and nothing counted.
    #[cfg(test)]
    pub(in crate::realm) fn is_empty(&self) -> bool {
        self.by_uri.is_empty() && self.bytes == 0
    }
}

impl Realm {
    /// Takes a definition in place of the one that its author has made of this URI before.
    pub(super) fn define(
        &mut self,
        uri: &Uri,
        definition: Definition,
        out: &mut Vec<Delivery>,
    ) -> Result<Change, Refusal> {
        self.check_room(uri, &definition)?;
        let told = self.definitions.get(uri).cloned();
        let author = definition.author;
        self.take_definition(uri, author);
        if let Some(member) = self.members.get_mut(author) {
            let defined = member.defined.get_or_insert_default();
            defined.uris.insert(uri.to_stored());
            defined.bytes += definition.weight(uri);
        }
        self.definitions.insert(uri, definition);
        Ok(self.tell_of_definition(uri, told.as_ref(), out))
    }

    /// Takes a definition back; `None` if the session has made none.
    pub(super) fn undefine(&mut self, uri: &Uri, author: SessionId, out: &mut Vec<Delivery>) -> Option<Change> {
        let told = self.definitions.get(uri).cloned();
        self.take_definition(uri, author)?;
        Some(self.tell_of_definition(uri, told.as_ref(), out))
    }

    fn check_room(&self, uri: &Uri, definition: &Definition) -> Result<(), Refusal> {
        const TOO_MANY: Refusal = Refusal(error::UNAVAILABLE, "this session has defined as many URIs as it may");
        const TOO_LONG: Refusal = Refusal(
            error::UNAVAILABLE,
            "there is no room for a definition of this length, in this session or in the realm",
        );
        let author = definition.author;
        let defined = self.members.get(author).and_then(|member| member.defined.as_deref());
        let (count, own_bytes) = defined.map_or((0, 0), |it| (it.uris.len(), it.bytes));
        let replaced = self.definitions.of(uri, author).map(|it| it.weight(uri));
        if replaced.is_none() && count >= MAX_DEFINITIONS {
            return Err(TOO_MANY);
        }
        let more = definition.weight(uri);
        let freed = replaced.unwrap_or(0);
        let is_too_long = own_bytes - freed + more > MAX_DEFINITION_BYTES
            || self.definitions.bytes - freed + more > MAX_REALM_DEFINITION_BYTES;
        if is_too_long { Err(TOO_LONG) } else { Ok(()) }
    }

    /// Takes a definition off the books of the realm and of its author.
    fn take_definition(&mut self, uri: &Uri, author: SessionId) -> Option<()> {
        let removed = self.definitions.remove(uri, author)?;
        if let Some(member) = self.members.get_mut(author)
            && let Some(defined) = &mut member.defined
        {
            defined.uris.remove(uri);
            defined.bytes -= removed.weight(uri);
            if defined.uris.is_empty() {
                member.defined = None;
            }
        }
        Some(())
    }

    /// Tells what became of a URI of which this was told before.
    fn tell_of_definition(&mut self, uri: &Uri, before: Option<&Definition>, out: &mut Vec<Delivery>) -> Change {
        let change = match (before, self.definitions.get(uri)) {
            (None, None) => Change::None,
            (Some(_), None) => Change::Gone,
            (None, Some(_)) => Change::New,
            (Some(before), Some(now)) if before.says_the_same(now) => Change::None,
            (Some(_), Some(_)) => Change::Other,
        };
        match change {
            Change::None => {}
            Change::Gone => self.announce("wamp.reflect.on_undefine", |_| vec![uri.as_str().into()], out),
            Change::New | Change::Other => {
                let schema = |realm: &Self| realm.definitions.get(uri).map(Definition::schema).unwrap_or_default();
                let is_new = Value::from(change == Change::New);
                let told = |realm: &Self| vec![uri.as_str().into(), schema(realm).into(), is_new];
                self.announce("wamp.reflect.on_define", told, out);
            }
        }
        change
    }

    /// Ends the definitions of a session that left.
    pub(in crate::realm) fn forget_definitions(
        &mut self,
        author: SessionId,
        defined: &Defined,
        out: &mut Vec<Delivery>,
    ) {
        for uri in &defined.uris {
            self.undefine(uri, author, out);
        }
    }

    /// Ends those definitions of a session that its role does not allow any more.
    pub(in crate::realm) fn end_definitions(&mut self, author: SessionId, out: &mut Vec<Delivery>) {
        let Some(member) = self.members.get(author) else {
            return;
        };
        let uris = member.defined.iter().flat_map(|defined| &defined.uris);
        let is_forbidden = |uri: &&Uri| {
            let definition = self.definitions.of(uri, author);
            definition.is_none_or(|it| member.role.allows(it.kind.offer(), uri).is_none())
        };
        let forbidden: Vec<Uri> = uris.filter(is_forbidden).cloned().collect();
        for uri in forbidden {
            self.undefine(&uri, author, out);
        }
    }
}
