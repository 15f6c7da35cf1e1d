//! From words to a tree, by the precedence of Jinja: `or`, `and`, `not`, comparisons, sums, products, signs, filters.

use wamp::value::Value;

use super::filter::{self, Filter};
use super::token::{Token, Word, words};
use super::{MAX_NODES, NAMES};

#[derive(Debug, Clone)]
pub(super) enum Node {
    Value(Value),
    /// One of [`NAMES`].
    Name(String),
    Member(Box<Self>, String),
    Item(Box<Self>, Box<Self>),
    List(Vec<Self>),
    Not(Box<Self>),
    Minus(Box<Self>),
    Binary(Operator, Box<Self>, Box<Self>),
    /// Condition, then, else.
    Choice(Box<Self>, Box<Self>, Box<Self>),
    Defined(Box<Self>),
    Filter(Filter, Box<Self>, Vec<Self>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    In,
    Joined,
    Computed(Arithmetic),
}

/// What is done with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Plus,
    Minus,
    Times,
    Divided,
    Remainder,
}

impl Operator {
    const fn of_comparison(sign: &str) -> Option<Self> {
        Some(match sign.as_bytes() {
            b"==" => Self::Equal,
            b"!=" => Self::Unequal,
            b"<" => Self::Less,
            b"<=" => Self::AtMost,
            b">" => Self::Greater,
            b">=" => Self::AtLeast,
            _ => return None,
        })
    }
}

/// Words that are no names.
const RESERVED: [&str; 7] = ["and", "else", "if", "in", "is", "not", "or"];

pub(super) struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    source: String,
    nodes: usize,
}

impl Parser {
    pub(super) fn new(source: &str) -> Result<Self, String> {
        let (tokens, _) = words(source, false)?;
        Ok(Self::of(tokens, source))
    }

    /// The parser of what stands before `}}`, and where that is.
    pub(super) fn in_braces(source: &str) -> Result<(Self, usize), String> {
        let (tokens, end) = words(source, true)?;
        Ok((Self::of(tokens, source.get(..end).unwrap_or_default()), end))
    }

    fn of(tokens: Vec<Token>, source: &str) -> Self {
        Self {
            tokens: tokens.into_iter().peekable(),
            source: source.to_owned(),
            nodes: 0,
        }
    }

    pub(super) fn whole(&mut self) -> Result<Node, String> {
        let node = self.choice()?;
        match self.tokens.peek() {
            None => Ok(node),
            Some(_) => Err(self.unexpected("an operator")),
        }
    }

    /// Counts a step, so that neither reading nor evaluating goes too deep.
    fn count(&mut self) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(format!("it has more than {MAX_NODES} parts"));
        }
        Ok(())
    }

    fn unexpected(&mut self, wanted: &str) -> String {
        match self.tokens.peek() {
            Some(token) => {
                let rest = self.source.get(token.at..).unwrap_or_default();
                let near: String = rest.chars().take(20).collect();
                format!("{wanted} is expected at `{near}`")
            }
            None => format!("{wanted} is expected at its end"),
        }
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let is_it = |token: &Token| matches!(token.word, Word::Sign(it) if it == sign);
        self.tokens.next_if(is_it).is_some()
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_it = |token: &Token| matches!(&token.word, Word::Name(it) if it == word);
        self.tokens.next_if(is_it).is_some()
    }

    fn needs_sign(&mut self, sign: &str) -> Result<(), String> {
        if self.takes_sign(sign) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{sign}`")))
    }

    fn choice(&mut self) -> Result<Node, String> {
        self.count()?;
        let then = self.either()?;
        if !self.takes_word("if") {
            return Ok(then);
        }
        let condition = self.either()?;
        if !self.takes_word("else") {
            return Err(self.unexpected("`else`"));
        }
        let other = self.choice()?;
        Ok(Node::Choice(Box::new(condition), Box::new(then), Box::new(other)))
    }

    fn binary(&mut self, operator: Operator, left: Node, right: Node) -> Result<Node, String> {
        self.count()?;
        Ok(Node::Binary(operator, Box::new(left), Box::new(right)))
    }

    fn either(&mut self) -> Result<Node, String> {
        let mut left = self.both()?;
        while self.takes_word("or") {
            let right = self.both()?;
            left = self.binary(Operator::Or, left, right)?;
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Node, String> {
        let mut left = self.negated()?;
        while self.takes_word("and") {
            let right = self.negated()?;
            left = self.binary(Operator::And, left, right)?;
        }
        Ok(left)
    }

    fn negated(&mut self) -> Result<Node, String> {
        if self.takes_word("not") {
            self.count()?;
            return Ok(Node::Not(Box::new(self.negated()?)));
        }
        self.compared()
    }

    fn compared(&mut self) -> Result<Node, String> {
        let left = self.sum()?;
        if let Some(Token {
            word: Word::Sign(sign), ..
        }) = self.tokens.peek()
            && let Some(operator) = Operator::of_comparison(sign)
        {
            self.tokens.next();
            let right = self.sum()?;
            return self.binary(operator, left, right);
        }
        if self.takes_word("in") {
            let right = self.sum()?;
            return self.binary(Operator::In, left, right);
        }
        if self.takes_word("not") {
            if !self.takes_word("in") {
                return Err(self.unexpected("`in`"));
            }
            let right = self.sum()?;
            return Ok(Node::Not(Box::new(self.binary(Operator::In, left, right)?)));
        }
        if self.takes_word("is") {
            let is_negated = self.takes_word("not");
            if !self.takes_word("defined") {
                return Err(self.unexpected("`defined`"));
            }
            self.count()?;
            let defined = Node::Defined(Box::new(left));
            return Ok(if is_negated {
                Node::Not(Box::new(defined))
            } else {
                defined
            });
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Node, String> {
        let mut left = self.product()?;
        loop {
            let operator = match () {
                () if self.takes_sign("+") => Operator::Computed(Arithmetic::Plus),
                () if self.takes_sign("-") => Operator::Computed(Arithmetic::Minus),
                () if self.takes_sign("~") => Operator::Joined,
                () => return Ok(left),
            };
            let right = self.product()?;
            left = self.binary(operator, left, right)?;
        }
    }

    fn product(&mut self) -> Result<Node, String> {
        let mut left = self.signed()?;
        loop {
            let operator = match () {
                () if self.takes_sign("*") => Operator::Computed(Arithmetic::Times),
                () if self.takes_sign("/") => Operator::Computed(Arithmetic::Divided),
                () if self.takes_sign("%") => Operator::Computed(Arithmetic::Remainder),
                () => return Ok(left),
            };
            let right = self.signed()?;
            left = self.binary(operator, left, right)?;
        }
    }

    fn signed(&mut self) -> Result<Node, String> {
        if self.takes_sign("-") {
            self.count()?;
            return Ok(Node::Minus(Box::new(self.signed()?)));
        }
        self.filtered()
    }

    fn filtered(&mut self) -> Result<Node, String> {
        let mut node = self.reached()?;
        while self.takes_sign("|") {
            self.count()?;
            let name = self.name("the name of a filter")?;
            let found = filter::find(&name)?;
            let arguments = if self.takes_sign("(") {
                self.listed(")")?
            } else {
                Vec::new()
            };
            found.check(arguments.len())?;
            node = Node::Filter(found, Box::new(node), arguments);
        }
        Ok(node)
    }

    /// A value with what is reached from it, by `.name` or `[expression]`.
    fn reached(&mut self) -> Result<Node, String> {
        let mut node = self.simple()?;
        loop {
            if self.takes_sign(".") {
                self.count()?;
                node = Node::Member(Box::new(node), self.name("the name of what is inside")?);
            } else if self.takes_sign("[") {
                self.count()?;
                let inside = self.choice()?;
                self.needs_sign("]")?;
                node = Node::Item(Box::new(node), Box::new(inside));
            } else {
                return Ok(node);
            }
        }
    }

    fn name(&mut self, wanted: &str) -> Result<String, String> {
        let is_name = |token: &Token| matches!(token.word, Word::Name(_));
        match self.tokens.next_if(is_name).map(|token| token.word) {
            Some(Word::Name(name)) => Ok(name),
            _ => Err(self.unexpected(wanted)),
        }
    }

    fn simple(&mut self) -> Result<Node, String> {
        self.count()?;
        if self.takes_sign("(") {
            let inside = self.choice()?;
            self.needs_sign(")")?;
            return Ok(inside);
        }
        if self.takes_sign("[") {
            return Ok(Node::List(self.listed("]")?));
        }
        let is_simple = |token: &Token| match &token.word {
            Word::Value(_) => true,
            Word::Name(name) => !RESERVED.contains(&name.as_str()),
            Word::Sign(_) => false,
        };
        match self.tokens.next_if(is_simple).map(|token| token.word) {
            Some(Word::Value(value)) => Ok(Node::Value(value)),
            Some(Word::Name(name)) => named(name),
            Some(Word::Sign(_)) | None => Err(self.unexpected("a value")),
        }
    }

    /// What stands between commas up to this sign.
    fn listed(&mut self, end: &str) -> Result<Vec<Node>, String> {
        let mut items = Vec::new();
        while !self.takes_sign(end) {
            if !items.is_empty() {
                self.needs_sign(",")?;
            }
            items.push(self.choice()?);
        }
        Ok(items)
    }
}

/// A constant, or one of the names: a mistyped one would never be there.
fn named(name: String) -> Result<Node, String> {
    match name.as_str() {
        "true" | "True" => Ok(Node::Value(Value::Bool(true))),
        "false" | "False" => Ok(Node::Value(Value::Bool(false))),
        "null" | "none" | "None" => Ok(Node::Value(Value::Null)),
        known if NAMES.contains(&known) => Ok(Node::Name(name)),
        unknown => {
            let nearest = NAMES
                .iter()
                .min_by_key(|known| strsim::damerau_levenshtein(unknown, known));
            let advice = match nearest.filter(|known| strsim::damerau_levenshtein(unknown, known) <= 2) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("there are {}; a text stands in quotes", NAMES.join(", ")),
            };
            Err(format!("nothing is called `{unknown}`; {advice}"))
        }
    }
}
