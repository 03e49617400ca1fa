//! From minijinja's tree of an expression to a [`Test`]: what rules do not have is refused here.

use std::ops::Range;

use minijinja::machinery::ast::{BinOpKind, CompareOpKind, Expr, UnaryOpKind};
use minijinja::machinery::{Span, parse_expr};
use minijinja::value::ValueKind;

use super::Value;
use super::rule::{Ask, Asked, LONGEST, Order, RuleError, Test};
use super::value::Number;

/// How deep `not` and parentheses may nest; chains of `and` and `or` do not count.
const DEEPEST: usize = 64;
const SHAPES: &str = "a rule is made of user.<attribute>, ==, !=, in, not in, <, <=, >, >=, and, or, \
                      not, parentheses, texts, numbers, true, false and lists";

/// Parses a rule.
pub(super) fn parse(text: &str) -> Result<Test, RuleError> {
    if text.len() > LONGEST {
        return Err(RuleError {
            message: format!("the rule is {} bytes long", text.len()),
            help: format!(
                "rules of at most {LONGEST} bytes are read: give the people an attribute of their own"
            ),
            at: 0..0,
        });
    }
    if nests_too_deeply(text) {
        return Err(RuleError {
            message: "the rule nests too deeply".to_owned(),
            help: format!("nest at most {DEEPEST} levels"),
            at: 0..0,
        });
    }
    let tree = parse_expr(text).map_err(|error| {
        let detail = error.detail().unwrap_or("syntax error").to_owned();
        RuleError {
            message: format!("the rule does not parse: {detail}"),
            help: SHAPES.to_owned(),
            at: error.range().filter(|at| text.get(at.clone()).is_some()).unwrap_or(0..0),
        }
    })?;
    test(&tree, 0)
}

/// Before the tree is made: what is made one level deep is also dropped one level deep.
fn nests_too_deeply(text: &str) -> bool {
    let (mut depth, mut row, mut quote, mut escaped) = (0_usize, 0_usize, None, false);
    let mut word = String::new();
    for c in text.chars() {
        if let Some(open) = quote {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if c == open => quote = None,
                _ => {}
            }
            continue;
        }
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        // Signs and `not` in a row are levels; `a not in b` is none, but stands in no row.
        match word.as_str() {
            "not" => row += 1,
            "" => {}
            _ => row = 0,
        }
        word.clear();
        match c {
            '"' | '\'' => quote = Some(c),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '-' | '+' | '*' | '/' | '~' | '%' | '|' => row += 1,
            _ => {}
        }
        if depth + row > DEEPEST {
            return true;
        }
    }
    false
}

fn range(span: Span) -> Range<usize> {
    span.start_offset as usize..span.end_offset as usize
}

fn error(expression: &Expr, message: impl Into<String>, help: impl Into<String>) -> RuleError {
    RuleError { message: message.into(), help: help.into(), at: range(expression.span()) }
}

fn test(expression: &Expr, depth: usize) -> Result<Test, RuleError> {
    if depth > DEEPEST {
        return Err(error(expression, "the rule nests too deeply", "use parentheses less"));
    }
    match expression {
        Expr::BinOp(op) if matches!(op.op, BinOpKind::ScAnd | BinOpKind::ScOr) => {
            let is_all = matches!(op.op, BinOpKind::ScAnd);
            // A long chain leans to the left.
            let mut parts = Vec::new();
            let mut rest = expression;
            while let Expr::BinOp(op) = rest
                && matches!(op.op, BinOpKind::ScAnd | BinOpKind::ScOr)
                && matches!(op.op, BinOpKind::ScAnd) == is_all
            {
                parts.push(test(&op.right, depth + 1)?);
                rest = &op.left;
            }
            parts.push(test(rest, depth + 1)?);
            parts.reverse();
            Ok(if is_all { Test::All(parts) } else { Test::Any(parts) })
        }
        Expr::BinOp(op) => {
            let found = match op.op {
                BinOpKind::Eq => Some(CompareOpKind::Eq),
                BinOpKind::Ne => Some(CompareOpKind::Ne),
                BinOpKind::Lt => Some(CompareOpKind::Lt),
                BinOpKind::Lte => Some(CompareOpKind::Lte),
                BinOpKind::Gt => Some(CompareOpKind::Gt),
                BinOpKind::Gte => Some(CompareOpKind::Gte),
                BinOpKind::In => Some(CompareOpKind::In),
                _ => None,
            };
            match found {
                Some(kind) => compare(expression, &op.left, kind, &op.right),
                None => Err(error(expression, "a rule does not compute", SHAPES)),
            }
        }
        Expr::Compare(chain) => match chain.ops.as_slice() {
            [one] => compare(expression, &chain.expr, one.op, &one.expr),
            _ => Err(error(
                expression,
                "a comparison of more than two things",
                "write two comparisons with `and` between them",
            )),
        },
        Expr::UnaryOp(op) if matches!(op.op, UnaryOpKind::Not) => {
            Ok(Test::Not(Box::new(test(&op.expr, depth + 1)?)))
        }
        Expr::GetAttr(_) | Expr::GetItem(_) => {
            let attribute = attribute(expression)?;
            Ok(Test::Asked(Asked { attribute, ask: Ask::Holds }))
        }
        other => Err(refused(other)),
    }
}

/// One attribute and one value, in either order.
fn compare(
    whole: &Expr,
    left: &Expr,
    kind: CompareOpKind,
    right: &Expr,
) -> Result<Test, RuleError> {
    let (asked, value, turned) = match (names_attribute(left), names_attribute(right)) {
        (true, true) => {
            return Err(error(
                whole,
                "two attributes are compared with each other",
                "compare an attribute with a value",
            ));
        }
        (true, false) => (left, right, false),
        (false, true) => (right, left, true),
        (false, false) => {
            // Whichever side is wrong in itself says more.
            constant(left).map(|_| ())?;
            constant(right).map(|_| ())?;
            return Err(error(
                whole,
                "a comparison of values, without an attribute",
                "name an attribute: user.department == 'Sales'",
            ));
        }
    };
    let attribute = attribute(asked)?;
    let ask = match (kind, turned) {
        (CompareOpKind::Eq, _) => Ask::Is(scalar(value)?),
        (CompareOpKind::Ne, _) => Ask::IsNot(scalar(value)?),
        (CompareOpKind::In, false) => Ask::In(list(value)?),
        (CompareOpKind::NotIn, false) => Ask::NotIn(list(value)?),
        (CompareOpKind::In, true) => Ask::Has(scalar(value)?),
        (CompareOpKind::NotIn, true) => Ask::HasNot(scalar(value)?),
        (CompareOpKind::Lt, false) | (CompareOpKind::Gt, true) => {
            Ask::Order(Order::Less, number(value)?)
        }
        (CompareOpKind::Lte, false) | (CompareOpKind::Gte, true) => {
            Ask::Order(Order::LessOrEqual, number(value)?)
        }
        (CompareOpKind::Gt, false) | (CompareOpKind::Lt, true) => {
            Ask::Order(Order::Greater, number(value)?)
        }
        (CompareOpKind::Gte, false) | (CompareOpKind::Lte, true) => {
            Ask::Order(Order::GreaterOrEqual, number(value)?)
        }
    };
    Ok(Test::Asked(Asked { attribute, ask }))
}

/// `user.x` and `user['x']`, or what is wrongly meant for it.
fn names_attribute(expression: &Expr) -> bool {
    matches!(expression, Expr::GetAttr(_) | Expr::GetItem(_))
}

fn attribute(expression: &Expr) -> Result<Box<str>, RuleError> {
    let user = |of: &Expr| matches!(of, Expr::Var(var) if var.id == "user");
    match expression {
        Expr::GetAttr(get) if user(&get.expr) => Ok(get.name.into()),
        Expr::GetItem(get) if user(&get.expr) => match &get.subscript_expr {
            Expr::Const(name) if name.value.as_str().is_some() => {
                Ok(name.value.as_str().unwrap_or_default().into())
            }
            other => Err(error(
                other,
                "the name of an attribute must be written out",
                "write user.<attribute> or user['an attribute']",
            )),
        },
        other => Err(error(
            other,
            "only `user` has attributes here, and they have none of their own",
            "write user.<attribute> or user['an attribute']",
        )),
    }
}

/// A single value as it is written.
fn constant(expression: &Expr) -> Result<Value, RuleError> {
    match expression {
        Expr::Const(constant) => {
            let value = &constant.value;
            match value.kind() {
                ValueKind::Bool => Ok(Value::Truth(value.is_true())),
                ValueKind::Number => of_number(value).map(Value::Number).ok_or_else(|| {
                    error(expression, "this number is out of range", "write a smaller one")
                }),
                ValueKind::String => {
                    let text = value.as_str().unwrap_or_default();
                    match Value::text(text) {
                        Some(found) if matches!(&found, Value::Text(t) if **t == *text) => {
                            Ok(found)
                        }
                        Some(_) => Err(error(
                            expression,
                            "this text begins or ends with white space, which no attribute does",
                            "write it without",
                        )),
                        None => Err(error(
                            expression,
                            "an empty text is no value: an empty attribute is a missing one",
                            "whoever misses an attribute does not match, so there is nothing to ask",
                        )),
                    }
                }
                _ => Err(error(
                    expression,
                    "`none` is no value: an attribute that is missing matches nothing",
                    "leave it out",
                )),
            }
        }
        Expr::UnaryOp(op) if matches!(op.op, UnaryOpKind::Neg) => match constant(&op.expr)? {
            Value::Number(number) => Ok(Value::Number(number.negated())),
            _ => Err(error(expression, "only a number has a sign", SHAPES)),
        },
        other => Err(refused(other)),
    }
}

fn of_number(value: &minijinja::Value) -> Option<Number> {
    i128::try_from(value.clone())
        .ok()
        .filter(|_| value.is_integer())
        .map(Number::whole)
        .or_else(|| f64::try_from(value.clone()).ok().and_then(Number::real))
}

fn scalar(expression: &Expr) -> Result<Value, RuleError> {
    if let Expr::List(_) | Expr::Tuple(_) = expression {
        return Err(error(
            expression,
            "an attribute is compared with a list",
            "write `in` for one of several values",
        ));
    }
    constant(expression)
}

fn number(expression: &Expr) -> Result<Number, RuleError> {
    match constant(expression)? {
        Value::Number(number) => Ok(number),
        _ => Err(error(
            expression,
            "only numbers are less or greater",
            "list the values that are meant with `in`",
        )),
    }
}

/// The values of a list, all of one type.
fn list(expression: &Expr) -> Result<Vec<Value>, RuleError> {
    let items = match expression {
        Expr::List(list) => &list.items,
        Expr::Tuple(tuple) => &tuple.items,
        other => {
            return Err(error(
                other,
                "`in` needs a list of values",
                "write user.region in ['EU', 'UK']; whether a list of a person's own has a value \
                 is asked the other way round: 'admins' in user.groups",
            ));
        }
    };
    let values: Vec<Value> = items.iter().map(constant).collect::<Result<_, _>>()?;
    let Some(first) = values.first() else {
        return Err(error(expression, "the list is empty", "write the values that are meant"));
    };
    if values.iter().any(|value| value.kind() != first.kind()) {
        return Err(error(
            expression,
            "the list holds values of different types",
            "write all of them as texts, or all as numbers",
        ));
    }
    Ok(values)
}

/// What rules do not have, in words.
fn refused(expression: &Expr) -> RuleError {
    let message = match expression {
        Expr::Var(var) if var.id == "user" => {
            return error(
                expression,
                "`user` alone says nothing",
                "name an attribute: user.department == 'Sales'",
            );
        }
        Expr::Var(var) => {
            return error(
                expression,
                format!("there is no variable `{}`", var.id),
                "a text stands in quotes, an attribute is user.<attribute>",
            );
        }
        Expr::Const(_) | Expr::List(_) | Expr::Tuple(_) => {
            "a value alone would let in everybody or nobody".to_owned()
        }
        Expr::Filter(filter) => format!(
            "the filter `{}` is not known here: filters can hide that an attribute is missing",
            filter.name
        ),
        Expr::Test(test) => {
            format!(
                "`is {}` is not known here: whoever misses an attribute does not match",
                test.name
            )
        }
        Expr::Call(_) => "calls are not known here".to_owned(),
        Expr::IfExpr(_) => "`if` is not known here".to_owned(),
        Expr::Map(_) => "maps are not known here".to_owned(),
        Expr::Slice(_) => "parts of values are not known here".to_owned(),
        Expr::UnaryOp(_) | Expr::BinOp(_) => "a rule does not compute".to_owned(),
        Expr::Compare(_) | Expr::GetAttr(_) | Expr::GetItem(_) => {
            "a value must stand here".to_owned()
        }
    };
    error(expression, message, SHAPES)
}
