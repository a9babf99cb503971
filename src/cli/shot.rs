//! `wheelhouse shot`: a view of the console as an SVG picture, drawn by the same code and from the
//! same cells as the terminal's, with made-up providers in it.

use crate::console::theme::Theme;
use crate::console::view::sample::Scene;
use crate::console::view::shot;

use super::args::ShotArgs;
use super::compose::Setup;
use super::{Exit, Io, Stop};

/// Pictures have no terminal whose own colours could be used.
const THEME: &str = "dark";

/// Draws.
pub fn run(args: &ShotArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let theme = setup.global.theme.as_deref().unwrap_or(THEME);
    let (cols, rows) = args.size;
    let picture = Scene::named(&args.view)
        .and_then(|scene| shot::scene(scene, cols, rows, theme))
        .ok_or_else(|| {
            let known = Theme::shipped().join(", ");
            Stop::usage(format!("there is no theme {theme:?}; pictures know {known}"))
        })?;
    match &args.output {
        None => io.out.write_all(picture.as_bytes())?,
        Some(path) => {
            std::fs::write(path, picture)
                .map_err(|error| Stop::error(format!("{}: {error}", path.display())))?;
            if !setup.global.quiet {
                io.talk(&format!("{} drawn", path.display()));
            }
        }
    }
    Ok(Exit::Done)
}
