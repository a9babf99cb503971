//! wip
use super::*;
use crate::console::app::ColorDepth;
#[test]
fn show() {
    let want = std::env::var("SCENE").unwrap_or("chat".into());
    let size: Vec<u16> = std::env::var("SIZE").unwrap_or("120x40".into()).split('x').map(|n| n.parse().unwrap()).collect();
    let state = sample::state(sample::Scene::named(&want).unwrap(), size[0], size[1]);
    let mut buffer = Buffer::empty(Rect::new(0, 0, size[0], size[1]));
    let theme = Theme::named(&std::env::var("THEME").unwrap_or("dark".into()), ColorDepth::True).unwrap();
    draw(&state, &theme, &mut buffer);
    for y in 0..size[1] { let mut s = String::new(); let mut x = 0; while x < size[0] { let c = buffer[(x,y)].symbol(); s.push_str(c); x += (crate::text::width(c) as u16).max(1); } println!("{s}⏐"); }
    std::fs::write("/tmp/view-shot.svg", shot::svg(&buffer, &theme)).unwrap();
}
