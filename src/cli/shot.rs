//! `wheelhouse shot`: a view of the console as an SVG picture, drawn by the same code and from the
//! same cells as the terminal's. With `--demo` the chat and the routing log are of a real run over the
//! simulated fleet; without, every view is drawn of made-up providers.

mod live;

use crate::console::app::ColorDepth;
use crate::console::theme::Theme;
use crate::console::view::sample::Scene;
use crate::console::view::shot;

use super::args::ShotArgs;
use super::compose::{self, Setup};
use super::{Exit, Io, Stop};
use live::Live;

/// Pictures have no terminal whose own colours could be used.
const THEME: &str = "dark";

/// Draws.
pub fn run(args: &ShotArgs, setup: &Setup, io: &mut Io<'_>) -> Result<Exit, Stop> {
    let theme = setup.global.theme.as_deref().unwrap_or(THEME);
    let (cols, rows) = args.size;
    let scene = Scene::named(&args.view);
    let live = match scene {
        Some(Scene::Chat) => Some(Live::Chat),
        Some(Scene::Routes) => Some(Live::Routes),
        _ => None,
    };
    let picture = match (live.filter(|_| setup.global.demo), Theme::named(theme, ColorDepth::True))
    {
        (Some(what), Some(theme)) => {
            let runtime = compose::runtime()?;
            let buffer = runtime.block_on(live::draw(what, setup, args.size, &theme))?;
            runtime.shutdown_background();
            Some(shot::svg(&buffer, &theme))
        }
        _ => scene.and_then(|scene| shot::scene(scene, cols, rows, theme)),
    };
    let picture = picture.ok_or_else(|| {
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
