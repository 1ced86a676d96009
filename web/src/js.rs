//! Plain objects of JavaScript: made from pairs or from JSON, and read field by field with errors that name the field.

use js_sys::{JSON, Object, Reflect};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};

use crate::failure::{Failure, Kind};

/// An object of these fields.
pub fn object<const N: usize>(fields: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        set(&object, name, &value);
    }
    object.into()
}

/// Sets a field.
pub fn set(object: &JsValue, name: &str, value: &JsValue) {
    // Only a frozen object or a proxy refuses; ours are neither.
    let _ = Reflect::set(object, &name.into(), value);
}

/// A field; `None` where it is missing, undefined or null.
pub fn get(object: &JsValue, name: &str) -> Option<JsValue> {
    let value = Reflect::get(object, &name.into()).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

/// Data as plain objects, by way of JSON.
pub fn plain(data: &impl Serialize) -> Result<JsValue, Failure> {
    let internal = |why: String| Failure::new(Kind::Internal, why);
    let text = serde_json::to_string(data).map_err(|why| internal(why.to_string()))?;
    JSON::parse(&text).map_err(|why| internal(said(&why)))
}

/// A whole number as JavaScript has it.
#[expect(clippy::cast_precision_loss, reason = "bytes and counts here are far below 2^53")]
pub fn number(n: u64) -> JsValue {
    JsValue::from_f64(n as f64)
}

/// What was thrown, in words.
pub fn said(thrown: &JsValue) -> String {
    let message = thrown.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    message.or_else(|| thrown.as_string()).unwrap_or_else(|| format!("{thrown:?}"))
}

/// An object whose fields a caller filled in.
pub struct Fields<'a>(pub &'a JsValue);

impl Fields<'_> {
    fn read<T>(
        &self,
        name: &str,
        what: &str,
        read: impl Fn(&JsValue) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        let Some(value) = get(self.0, name) else { return Ok(None) };
        let wrong = || Failure::new(Kind::BadRequest, format!("`{name}` is {what}, not {value:?}"));
        read(&value).map(Some).ok_or_else(wrong)
    }
    /// A number.
    pub fn float(&self, name: &str) -> Result<Option<f64>, Failure> {
        self.read(name, "a number", JsValue::as_f64)
    }
    /// A whole number.
    pub fn whole(&self, name: &str) -> Result<Option<u64>, Failure> {
        self.read(name, "a whole number", whole)
    }
    /// A whole number that counts something in memory.
    pub fn count(&self, name: &str) -> Result<Option<usize>, Failure> {
        self.read(name, "a whole number", |value| whole(value)?.try_into().ok())
    }
    /// Text.
    pub fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        self.read(name, "text", JsValue::as_string)
    }
    /// Text that names something.
    pub fn named<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Failure> {
        let parse = |text: String| {
            text.parse().map_err(|why: T::Err| Failure::new(Kind::BadRequest, why.to_string()))
        };
        self.text(name)?.map(parse).transpose()
    }
    /// True where it is true.
    pub fn flag(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.read(name, "true or false", JsValue::as_bool)?.unwrap_or(false))
    }
    /// A number of 64 bits.
    pub fn seed(&self, name: &str) -> Result<Option<u64>, Failure> {
        self.read(name, "a whole number from 0 to 2^64 - 1, as a bigint or number", seed)
    }
    /// Two numbers.
    pub fn pair(&self, name: &str) -> Result<Option<(f64, f64)>, Failure> {
        self.read(name, "a list of two numbers", |value| {
            let list = value.dyn_ref::<js_sys::Array>().filter(|list| list.length() == 2)?;
            Some((list.get(0).as_f64()?, list.get(1).as_f64()?))
        })
    }
    /// A function.
    pub fn function(&self, name: &str) -> Result<Option<js_sys::Function>, Failure> {
        self.read(name, "a function", |value| value.dyn_ref::<js_sys::Function>().cloned())
    }
}

/// A whole number of a size that JavaScript's numbers hold exactly.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be whole and in range"
)]
fn whole(value: &JsValue) -> Option<u64> {
    let number = value.as_f64()?;
    let exact = number >= 0.0 && number <= js_sys::Number::MAX_SAFE_INTEGER && number.fract() == 0.0;
    exact.then_some(number as u64)
}

/// A seed as it came: a bigint, or a number where that is exact.
fn seed(value: &JsValue) -> Option<u64> {
    if value.is_bigint() { u64::try_from(value.clone()).ok() } else { whole(value) }
}

/// A seed as a number where that is exact, else as a bigint.
pub fn seed_value(seed: u64) -> JsValue {
    let exact = seed <= 1 << 53;
    if exact { number(seed) } else { seed.into() }
}
