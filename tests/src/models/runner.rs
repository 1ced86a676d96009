//! A model on a backend, driven by hand where `generate` gives no way in: golden noise up, latents down.

use std::path::Path;
use std::sync::Arc;

use onelaunch::Folder;
use onelaunch_core::backend::{Backend, Planned, Session};
use onelaunch_core::compile::{ProgramKey, program, row_bucket};
use onelaunch_core::files::ModelFiles;
use onelaunch_core::image::{Chunk, Image, Pixels};
use onelaunch_core::weights::Leaves;
use onelaunch_core::{Cancel, Generated, Pipeline, Precision, Request};
use pollster::block_on;

/// A loaded model. What fails on the way is a panic with the error's words: it is a test that holds it.
pub struct Runner<B: Backend> {
    /// What callers of the library hold.
    pub pipeline: Pipeline<B>,
}

impl<B: Backend> Runner<B> {
    /// Loads a folder.
    ///
    /// # Panics
    /// Where it cannot.
    #[must_use]
    pub fn load(backend: B, folder: &Path, precision: Precision) -> Self {
        let files = Folder::open(folder).unwrap_or_else(|why| panic!("{why}"));
        Self::load_files(backend, &files, precision)
    }

    /// Loads from anywhere.
    ///
    /// # Panics
    /// Where it cannot.
    #[must_use]
    pub fn load_files(backend: B, files: &dyn ModelFiles, precision: Precision) -> Self {
        let loaded = block_on(Pipeline::load(backend, files, precision, &|_| {}));
        Self { pipeline: loaded.unwrap_or_else(|why| panic!("{why}")) }
    }

    /// Makes pictures as a caller does.
    ///
    /// # Panics
    /// Where it fails.
    #[must_use]
    pub fn generate(&self, request: &Request) -> Generated {
        block_on(self.pipeline.generate(request, &Cancel::new(), None)).unwrap_or_else(|why| panic!("{why}"))
    }

    /// One launch of one picture in one submit, with its inputs edited: its final latents, channels last, and its pixels.
    ///
    /// # Panics
    /// Where it fails.
    #[must_use]
    pub fn launch(&self, request: &Request, edit: impl FnOnce(&mut Image)) -> (Vec<f32>, Pixels) {
        let resolved = self.pipeline.resolve(request).unwrap_or_else(|why| panic!("{why}"));
        let (width, height) = (resolved.recipe.width, resolved.recipe.height);
        let rows = row_bucket(resolved.schedule.rows.len());
        let key = ProgramKey { n: 1, width, height, rows, precision: self.pipeline.precision() };
        let mut image = self.pipeline.inputs(&resolved, 0, key).unwrap_or_else(|why| panic!("{why}"));
        edit(&mut image);
        let planned = self.pipeline.plan(key).unwrap_or_else(|why| panic!("{why}"));
        let mut session = self.open(planned, resolved.schedule.draws);
        let latents = run(&mut session, &image);
        let end = session.work().len;
        let ticket = onelaunch_core::backend::Ticket { end, serial: session.counters().submits };
        let pixels = block_on(session.read(ticket, false)).unwrap_or_else(|why| panic!("{why}"));
        (latents, pixels)
    }

    /// A session for a program of this model.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn open(&self, planned: Planned, draws: usize) -> B::Session {
        let backend = self.pipeline.backend();
        let compiled = block_on(backend.compile(planned, &|_| {})).unwrap_or_else(|why| panic!("{why}"));
        let opened = block_on(backend.open(&Arc::new(compiled), self.pipeline.store().weights(), draws));
        opened.unwrap_or_else(|why| panic!("{why}"))
    }

    /// Leaves with the numbers that the loaded weights have.
    #[must_use]
    pub fn leaves(&self) -> Leaves {
        let mut leaves = Leaves::default();
        let (width, height) = self.pipeline.model().default_size();
        let key = ProgramKey { n: 1, width, height, rows: row_bucket(1), precision: Precision::F32 };
        let _ = program(self.pipeline.model(), &mut leaves, key);
        leaves
    }
}

/// Begins an image, submits it whole and gives the latents it ends with.
///
/// # Panics
/// Where that fails.
pub fn run<S: Session>(session: &mut S, image: &Image) -> Vec<f32> {
    block_on(async {
        session.begin(image).await?;
        let range = 0..session.work().len;
        let ticket = session.submit(Chunk { range, preview: false })?;
        session.done(&ticket).await?;
        session.latents().await
    })
    .unwrap_or_else(|why| panic!("{why}"))
}
