//! PNG files that carry the recipe of their picture: the `parameters` text that A1111 and many viewers read, and our own JSON, out of
//! which `--from` makes the picture again.

mod parameters;

use std::borrow::Cow;
use std::io::{BufRead, Seek};

use crate::Recipe;
pub use parameters::parameters;
use png::text_metadata::ITXtChunk;

/// Keyword of the chunk that holds a [`Recipe`] as JSON.
pub const RECIPE_KEYWORD: &str = "onelaunch";
/// Keyword of the chunk that other tools read.
pub const PARAMETERS_KEYWORD: &str = "parameters";

/// Why a picture cannot be written or its recipe not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// Not as many bytes as the size says.
    #[error("{width}×{height} pixels of RGBA are {}, not {bytes} bytes: hand in the picture with its own size", .width * .height * 4)]
    Size {
        /// Pixels across.
        width: usize,
        /// Pixels down.
        height: usize,
        /// Bytes handed in.
        bytes: usize,
    },
    /// The PNG encoder refused.
    #[error("the picture cannot be encoded: {0}")]
    Encode(#[from] png::EncodingError),
    /// No PNG.
    #[error("it cannot be read as a PNG ({0}): name a PNG that onelaunch wrote")]
    Decode(#[from] png::DecodingError),
    /// A PNG of someone else.
    #[error(
        "it carries no recipe of onelaunch{}: name a PNG that onelaunch wrote and no other program saved again",
        if *.parameters { ", only the `parameters` text of another tool" } else { "" }
    )]
    NoRecipe {
        /// Whether it has the text that other tools write.
        parameters: bool,
    },
    /// A recipe that is none.
    #[error(
        "its recipe cannot be understood ({0}): it was written by another version of onelaunch, or damaged"
    )]
    Recipe(serde_json::Error),
}

/// A PNG of an opaque RGBA8 picture, with its recipe. The same picture and recipe give the same bytes.
///
/// # Errors
/// [`PictureError::Size`] when `rgba` is not `width · height · 4` bytes.
pub fn encode(width: usize, height: usize, rgba: &[u8], recipe: &Recipe) -> Result<Vec<u8>, PictureError> {
    let size_error = || PictureError::Size { width, height, bytes: rgba.len() };
    if rgba.len() != width * height * 4 {
        return Err(size_error());
    }
    let (across, down) =
        (width.try_into().map_err(|_| size_error())?, height.try_into().map_err(|_| size_error())?);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, across, down);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let text = parameters(recipe);
    // tEXt is Latin-1 (PNG specification, 11.3.3.2); what does not fit goes where readers look second.
    if text.chars().all(|c| u32::from(c) < 256 && c != '\0') {
        encoder.add_text_chunk(PARAMETERS_KEYWORD.into(), text)?;
    } else {
        encoder.add_itxt_chunk(PARAMETERS_KEYWORD.into(), text)?;
    }
    let json = serde_json::to_string(recipe).map_err(PictureError::Recipe)?;
    encoder.add_itxt_chunk(RECIPE_KEYWORD.into(), json)?;
    let mut writer = encoder.write_header()?;
    let rgb: Vec<u8> = rgba.chunks_exact(4).flat_map(|pixel| &pixel[..3]).copied().collect();
    writer.write_image_data(&rgb)?;
    writer.finish()?;
    Ok(bytes)
}

/// The recipe that [`encode`] wrote into a PNG.
///
/// # Errors
/// [`PictureError`] when it is no PNG, or one without a recipe of ours.
pub fn read_recipe(file: impl BufRead + Seek) -> Result<Recipe, PictureError> {
    let mut reader = png::Decoder::new(file).read_info()?;
    if recipe_text(reader.info())?.is_none() {
        // Other programs move text behind the pixels when they save.
        reader.finish()?;
    }
    let info = reader.info();
    let Some(text) = recipe_text(info)? else {
        let other = info.uncompressed_latin1_text.iter().any(|t| t.keyword == PARAMETERS_KEYWORD)
            || info.utf8_text.iter().any(|t| t.keyword == PARAMETERS_KEYWORD);
        return Err(PictureError::NoRecipe { parameters: other });
    };
    serde_json::from_str(&text).map_err(PictureError::Recipe)
}

fn recipe_text<'a>(info: &'a png::Info<'_>) -> Result<Option<Cow<'a, str>>, PictureError> {
    let chunk: Option<&ITXtChunk> = info.utf8_text.iter().find(|t| t.keyword == RECIPE_KEYWORD);
    Ok(chunk.map(ITXtChunk::get_text).transpose()?.map(Cow::Owned))
}

#[cfg(test)]
mod tests;
