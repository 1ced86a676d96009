//! PNG files with their recipe, and recipes as plain objects.

use std::io::Cursor;

use js_sys::{JSON, Object};
use onelaunch_core::{Recipe, picture};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::{Failure, Kind};
use crate::js::{self, Fields};

/// A PNG that carries its recipe.
///
/// # Errors
/// `BadRequest` for a recipe of another shape, or a size that is not the picture's.
#[wasm_bindgen]
pub fn png(rgba: &[u8], width: usize, height: usize, recipe: &JsValue) -> Result<Vec<u8>, JsValue> {
    let recipe = recipe_of(recipe)?;
    let bytes = picture::encode(width, height, rgba, &recipe);
    bytes.map_err(|why| Failure::new(Kind::BadRequest, why.to_string()).into())
}

/// The recipe in a PNG that onelaunch made.
///
/// # Errors
/// `BadRequest` where it is no PNG, or one without a recipe.
#[wasm_bindgen]
pub fn read_recipe(png: &[u8]) -> Result<JsValue, JsValue> {
    let recipe = picture::read_recipe(Cursor::new(png));
    let recipe = recipe.map_err(|why| Failure::new(Kind::BadRequest, why.to_string()))?;
    Ok(recipe_value(&recipe)?)
}

/// A recipe as a plain object. JSON of JavaScript knows no whole numbers of 64 bits, so the seed goes by itself.
pub fn recipe_value(recipe: &Recipe) -> Result<JsValue, Failure> {
    let value = js::plain(&Recipe { seed: 0, ..recipe.clone() })?;
    js::set(&value, "seed", &js::seed_value(recipe.seed));
    Ok(value)
}

fn recipe_of(value: &JsValue) -> Result<Recipe, Failure> {
    let wrong =
        |why: String| Failure::new(Kind::BadRequest, format!("this is no recipe of onelaunch: {why}"));
    let seed = Fields(value).seed("seed")?.ok_or_else(|| wrong("it has no seed".into()))?;
    let copy = Object::assign(&Object::new(), &Object::from(value.clone()));
    js::set(&copy, "seed", &0.into());
    let text = JSON::stringify(&copy).map_err(|why| wrong(js::said(&why)))?;
    let recipe: Recipe = serde_json::from_str(&String::from(text)).map_err(|why| wrong(why.to_string()))?;
    Ok(Recipe { seed, ..recipe })
}
