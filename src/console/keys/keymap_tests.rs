//! Tests of the keymap.

use super::*;

fn user(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    pairs
        .iter()
        .map(|(name, keys)| ((*name).to_owned(), keys.iter().map(|k| (*k).to_owned()).collect()))
        .collect()
}

fn key(text: &str) -> Chord {
    text.parse().unwrap()
}

const COMPOSER: [Context; 2] = [Context::Composer, Context::Global];

#[test]
fn the_shipped_keys_do_not_clash() {
    Keymap::build(SendKey::Enter, &BTreeMap::new()).unwrap();
    Keymap::build(SendKey::AltEnter, &BTreeMap::new()).unwrap();
}

#[test]
fn every_shipped_key_parses() {
    for info in TABLE {
        for (_, keys) in info.keys {
            for text in *keys {
                assert!(text.parse::<Sequence>().is_ok(), "{} {text}", info.name);
            }
        }
    }
}

#[test]
fn enter_and_alt_enter_can_be_swapped() {
    let map = Keymap::build(SendKey::AltEnter, &BTreeMap::new()).unwrap();
    assert_eq!(map.lookup(&COMPOSER, None, key("alt-enter")), Lookup::Action(Action::Submit));
    assert_eq!(map.lookup(&COMPOSER, None, key("enter")), Lookup::Action(Action::Newline));
}

#[test]
fn the_users_key_replaces_the_shipped_ones() {
    let map = Keymap::build(SendKey::Enter, &user(&[("global.palette", &["ctrl-k"])])).unwrap();
    assert_eq!(
        map.lookup(&[Context::Global], None, key("ctrl-k")),
        Lookup::Action(Action::Palette)
    );
    assert_eq!(map.lookup(&[Context::Global], None, key("ctrl-p")), Lookup::None);
}

#[test]
fn two_actions_on_one_key_in_one_context_are_refused_with_the_path() {
    let errors = Keymap::build(
        SendKey::Enter,
        &user(&[("global.palette", &["ctrl-k"]), ("global.help", &["ctrl-k"])]),
    )
    .unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].path.starts_with("console.keys.\"global."), "{}", errors[0]);
    assert!(errors[0].message.contains("ctrl-k"), "{}", errors[0]);
}

#[test]
fn a_key_may_mean_different_things_in_different_contexts() {
    assert!(Keymap::build(SendKey::Enter, &user(&[("routes.never", &["e"])])).is_ok());
}

#[test]
fn an_unknown_action_is_refused_with_the_nearest_name() {
    let errors =
        Keymap::build(SendKey::Enter, &user(&[("global.pallete", &["ctrl-k"])])).unwrap_err();
    assert_eq!(errors[0].suggestion.as_deref(), Some("global.palette"));
}

#[test]
fn a_key_that_is_no_key_is_refused() {
    let errors =
        Keymap::build(SendKey::Enter, &user(&[("global.palette", &["hyper-k"])])).unwrap_err();
    assert!(errors[0].to_string().contains("hyper-k"), "{}", errors[0]);
}

#[test]
fn the_first_key_of_a_pair_waits_for_the_second() {
    let map = Keymap::defaults();
    assert_eq!(map.lookup(&COMPOSER, None, key("ctrl-x")), Lookup::Prefix);
    assert_eq!(
        map.lookup(&COMPOSER, Some(key("ctrl-x")), key("p")),
        Lookup::Action(Action::TogglePanel)
    );
    assert!(!map.following(&COMPOSER, key("ctrl-x")).is_empty());
}
