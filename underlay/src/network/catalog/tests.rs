use std::{
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::UnixListener,
    },
    thread,
};

use super::*;

/// A configuration directory of its own, gone at the end of the test.
fn catalog() -> (tempfile::TempDir, Catalog) {
    let directory = tempfile::tempdir().unwrap();
    let catalog = Catalog::of(directory.path());
    (directory, catalog)
}

fn name(text: &str) -> NetworkName {
    text.parse().unwrap()
}

fn network(text: &str) -> Network {
    file::parse(br#"{"driver": "macvlan", "parent": "eth0"}"#, &name(text)).unwrap().network
}

fn files(catalog: &Catalog) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(&catalog.directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    files
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn what_was_created_can_be_read_and_removed() {
    let (_keep, catalog) = catalog();
    catalog.create(&network("lan")).unwrap();
    assert_eq!(catalog.read(&name("lan")).unwrap().network, network("lan"));
    assert_eq!(catalog.names().unwrap(), [name("lan")]);
    assert_eq!(files(&catalog), ["lan.json"], "nothing else is left behind");
    assert_eq!((mode(&catalog.directory), mode(&catalog.path(&name("lan")))), (0o755, 0o644));
    catalog.remove(&name("lan")).unwrap();
    assert!(files(&catalog).is_empty());
}

#[test]
fn an_unknown_network_is_told_from_the_known_ones() {
    let (_keep, catalog) = catalog();
    let unknown = |catalog: &Catalog| catalog.read(&name("wan")).unwrap_err().to_string();
    assert!(unknown(&catalog).starts_with("there is no network `wan`; none is defined yet"));
    catalog.create(&network("lan")).unwrap();
    catalog.create(&network("dmz")).unwrap();
    assert_eq!(unknown(&catalog), "there is no network `wan`; there are dmz, lan");
    assert!(matches!(catalog.remove(&name("wan")), Err(Error::Unknown { .. })));
}

#[test]
fn create_replaces_nothing_and_replace_does() {
    let (_keep, catalog) = catalog();
    catalog.create(&network("lan")).unwrap();
    let changed = Network { internal: true, ..network("lan") };
    assert!(matches!(catalog.create(&changed), Err(Error::Exists { .. })));
    assert_eq!(catalog.read(&name("lan")).unwrap().network, network("lan"));
    catalog.replace(&changed).unwrap();
    assert_eq!(catalog.read(&name("lan")).unwrap().network, changed);
    assert_eq!(files(&catalog), ["lan.json"]);
}

#[test]
fn a_broken_file_does_not_hide_the_others() {
    let (_keep, catalog) = catalog();
    catalog.create(&network("lan")).unwrap();
    for (file, text) in
        [("bad.json", "{}"), ("no name.json", "{}"), (".hidden.json", "{}"), ("lan.json~", "")]
    {
        fs::write(catalog.directory.join(file), text).unwrap();
    }
    let listing = catalog.all().unwrap();
    let names: Vec<_> = listing.networks.iter().map(|checked| &checked.network.name).collect();
    assert_eq!(names, [&name("lan")]);
    assert!(
        matches!(listing.broken.as_slice(), [Error::Definition { .. }, Error::FileName { .. }]),
        "{listing:?}"
    );
}

#[test]
fn what_others_can_write_is_refused() {
    let (_keep, catalog) = catalog();
    catalog.create(&network("lan")).unwrap();
    let path = catalog.path(&name("lan"));
    let above = catalog.directory.parent().unwrap().to_owned();
    for (path, mode) in [(&path, 0o664), (&path, 0o646), (&catalog.directory, 0o1777), (&above, 0o770)] {
        let before = fs::metadata(path).unwrap().permissions();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let error = catalog.read(&name("lan")).unwrap_err();
        assert!(
            matches!(&error, Error::Untrusted { reason: Distrust::Writable(found), .. } if *found == mode),
            "{error}"
        );
        fs::set_permissions(path, before).unwrap();
    }
    assert!(catalog.read(&name("lan")).is_ok());
}

#[test]
fn only_regular_files_are_read_and_nothing_is_waited_for() {
    let (_keep, catalog) = catalog();
    catalog.create(&network("lan")).unwrap();
    let at = |text: &str| catalog.path(&name(text));
    symlink(at("lan"), at("link")).unwrap();
    fs::create_dir(at("dir")).unwrap();
    nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    let _listener = UnixListener::bind(at("socket")).unwrap();
    let reason = |text: &str| match catalog.read(&name(text)) {
        Err(Error::Untrusted { reason, .. }) => reason,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(reason("link"), Distrust::SymbolicLink);
    assert_eq!(reason("dir"), Distrust::NotRegular);
    assert_eq!(reason("pipe"), Distrust::NotRegular);
    assert_eq!(reason("socket"), Distrust::NotRegular);
}

#[test]
fn a_file_without_end_is_read_up_to_the_limit() {
    let (_keep, catalog) = catalog();
    catalog.create(&network("lan")).unwrap();
    let huge = fs::OpenOptions::new().write(true).open(catalog.path(&name("lan"))).unwrap();
    huge.set_len(1 << 40).unwrap();
    let error = catalog.read(&name("lan")).unwrap_err();
    assert!(matches!(&error, Error::Definition { .. }), "{error}");
}

#[test]
fn of_many_that_create_one_network_one_succeeds() {
    let (_keep, catalog) = catalog();
    // Threads share a process id, and so the hidden file's name: the right to write keeps them apart.
    let create = || {
        let _exclusive = catalog.exclusive().unwrap();
        catalog.create(&network("lan")).is_ok()
    };
    let created = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
        threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum::<usize>()
    });
    assert_eq!(created, 1);
    assert_eq!(catalog.names().unwrap(), [name("lan")]);
}
