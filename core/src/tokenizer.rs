//! Prompt to token ids, the same as transformers' `padding="max_length", truncation=True`.
//! What does not fit is handed back, so that the user hears of it.

use serde::Deserialize;
use serde_json::Value;
use tokenizers::utils::truncation::TruncationDirection;
use tokenizers::{PostProcessor, Tokenizer as Inner};

/// Why a tokenizer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizerError {
    /// No `tokenizer.json`.
    #[error(
        "tokenizer/tokenizer.json is missing, and vocab.json, merges.txt or spiece.model are not read: make it in Python with `AutoTokenizer.from_pretrained(\"DIR/tokenizer\").save_pretrained(\"DIR/tokenizer\")`, or take it from the model's text encoder repository"
    )]
    Missing,
    /// A `tokenizer.json` that cannot be read.
    #[error("tokenizer/tokenizer.json: {0}: download it again, or save it again with a current transformers")]
    File(String),
    /// A `tokenizer_config.json` that cannot be read.
    #[error("tokenizer/tokenizer_config.json: {0}: download it again")]
    Config(String),
    /// No pad token.
    #[error("the tokenizer has no pad token: name one as `pad_token` in tokenizer/tokenizer_config.json")]
    Pad,
    /// Padding or truncation on the left.
    #[error(
        "tokenizer/tokenizer_config.json: {0} = \"left\" is not supported: text-to-image models are trained with \"right\""
    )]
    Left(&'static str),
    /// A length that has no room for any text.
    #[error("{max_length} tokens leave no room for text: the tokenizer itself adds {added}")]
    Length {
        /// Tokens asked for.
        max_length: usize,
        /// Special tokens of every prompt.
        added: usize,
    },
    /// The text cannot be encoded.
    #[error("the prompt cannot be split into tokens: {0}")]
    Encode(String),
}

/// Splits prompts into tokens.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: Inner,
    pad: u32,
    vocabulary: usize,
    max_length: Option<usize>,
}

/// A prompt as ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// As many as were asked for, padded at the end.
    pub ids: Vec<u32>,
    /// How many of them are not padding; end-of-sequence included.
    pub length: usize,
    /// The text that did not fit.
    pub dropped: Option<String>,
}

/// What is read of `tokenizer_config.json`.
#[derive(Default, Deserialize)]
struct Config {
    pad_token: Option<Value>,
    /// "No limit" is written as 1e30.
    model_max_length: Option<f64>,
    padding_side: Option<String>,
    truncation_side: Option<String>,
}

impl Tokenizer {
    /// From the bytes of `tokenizer.json` and, where there is one, `tokenizer_config.json`.
    ///
    /// # Errors
    /// [`TokenizerError`] where they cannot be read or name no pad token.
    pub fn from_bytes(
        tokenizer_json: &[u8],
        tokenizer_config_json: Option<&[u8]>,
    ) -> Result<Self, TokenizerError> {
        let mut inner = Inner::from_bytes(tokenizer_json).map_err(|e| TokenizerError::File(e.to_string()))?;
        let config = match tokenizer_config_json {
            Some(bytes) => {
                serde_json::from_slice(bytes).map_err(|e| TokenizerError::Config(e.to_string()))?
            }
            None => Config::default(),
        };
        for (key, side) in
            [("padding_side", &config.padding_side), ("truncation_side", &config.truncation_side)]
        {
            if side.as_deref() == Some("left") {
                return Err(TokenizerError::Left(key));
            }
        }
        let pad = match &config.pad_token {
            // Older files write a token as an object with its text in `content`.
            Some(token) => {
                let text = token.as_str().or_else(|| token.get("content")?.as_str());
                text.and_then(|text| inner.token_to_id(text))
            }
            None => inner.get_padding().map(|p| p.pad_id),
        };
        let pad = pad.ok_or(TokenizerError::Pad)?;
        // What the file itself says about both is overridden by the arguments in transformers, and by `encode` here.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|e| TokenizerError::File(e.to_string()))?;
        let vocabulary = inner.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1);
        let max_length = config.model_max_length.filter(|&n| (1.0..1e9).contains(&n)).map(|n| n as usize);
        Ok(Self { inner, pad, vocabulary, max_length })
    }

    /// `model_max_length` of the config, tokens; `None` where it has none, or none in earnest.
    pub fn max_length(&self) -> Option<usize> {
        self.max_length
    }

    /// One more than the largest id: the rows that an embedding table needs.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// `text` as exactly `max_length` ids.
    ///
    /// # Errors
    /// [`TokenizerError::Length`] where not even the special tokens fit, [`TokenizerError::Encode`] for text that the tokenizer
    /// refuses.
    pub fn encode(&self, text: &str, max_length: usize) -> Result<Tokens, TokenizerError> {
        let failed = |e: tokenizers::Error| TokenizerError::Encode(e.to_string());
        let added = self.inner.get_post_processor().map_or(0, |p| p.added_tokens(false));
        if max_length <= added {
            return Err(TokenizerError::Length { max_length, added });
        }
        let mut encoding = self.inner.encode(text, false).map_err(failed)?;
        let room = max_length - added;
        let mut dropped = None;
        if let Some(&(start, _)) = encoding.get_offsets().get(room) {
            dropped = Some(text.get(start..).unwrap_or(text).trim().to_owned());
            encoding.truncate(room, 0, TruncationDirection::Right);
        }
        let encoding = self.inner.post_process(encoding, None, true).map_err(failed)?;
        let mut ids = encoding.get_ids().to_vec();
        let length = ids.len();
        ids.resize(max_length, self.pad);
        Ok(Tokens { ids, length, dropped })
    }
}

#[cfg(test)]
mod tests;
