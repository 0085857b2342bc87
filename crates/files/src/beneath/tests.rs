use std::fs;
use std::os::unix::fs::symlink;

use rustix::fs::FileType;

use super::*;

const POLICY: Policy = Policy { one_file_system: true, file_mode: 0o640, folder_mode: 0o750 };

/// Runs the same checks with `openat2` and with the walk that stands in for it.
fn both_ways(check: impl Fn(&Path, &Beneath)) {
    for walks in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let beneath = Beneath::open(dir.path(), POLICY).unwrap();
        beneath.walks.store(walks, Ordering::Relaxed);
        check(dir.path(), &beneath);
        assert_eq!(beneath.walks.load(Ordering::Relaxed), walks, "openat2 works here");
    }
}

#[test]
fn folders_are_made_and_files_found_beneath_the_top() {
    both_ways(|top, beneath| {
        let made = beneath.make_folder("a/b/c").unwrap();
        assert_eq!(made.changed, [Path::new(""), Path::new("a"), Path::new("a/b")], "what is to be synced");
        assert_eq!(beneath.make_folder("a/b/e").unwrap().changed, [Path::new("a/b")]);
        assert!(beneath.make_folder("a/b").unwrap().changed.is_empty());
        fs::write(top.join("a/b/c/x"), b"x").unwrap();
        beneath.file("a/b/c/x").unwrap();
        beneath.folder("").unwrap();
        beneath.add_folder("a/b/d").unwrap();
        beneath.add_folder("a/b/d").unwrap();
        assert_eq!(beneath.add_folder("a/e/f").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!top.join("a/e").exists());
        assert_eq!(beneath.file("a/y").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(beneath.stat("a/b/c/x").unwrap().is_some() && beneath.stat("a/b/c/x/y").unwrap().is_none());
        beneath.create("a/new", Creation::New).unwrap();
        assert_eq!(beneath.rename("a/new", "a/b/c/x").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        beneath.rename("a/new", "a/b/new").unwrap();
        assert!(beneath.remove("a/b/new").unwrap() && !beneath.remove("a/b/new").unwrap());
        assert!(!beneath.remove("gone/x").unwrap());
    });
}

#[test]
fn r9_no_link_is_followed_wherever_it_stands() {
    both_ways(|top, beneath| {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("x"), b"x").unwrap();
        fs::create_dir(top.join("a")).unwrap();
        symlink(outside.path(), top.join("a/link")).unwrap();
        symlink(outside.path().join("x"), top.join("a/x")).unwrap();
        symlink("a", top.join("inside")).unwrap();
        for name in ["a/link/x", "a/x", "inside/x"] {
            let error = beneath.file(name).unwrap_err();
            assert!(matches!(errno(&error), Some(Errno::LOOP | Errno::NOTDIR)), "{name}: {error:?}");
        }
        for name in ["a/link", "inside"] {
            let error = beneath.folder(name).unwrap_err();
            assert!(matches!(errno(&error), Some(Errno::LOOP | Errno::NOTDIR)), "{name}: {error:?}");
            beneath.make_folder(Path::new(name).join("deeper")).unwrap_err();
            beneath.create(Path::new(name).join("new"), Creation::New).unwrap_err();
            beneath.rename(Path::new(name).join("x"), "moved").unwrap_err();
            assert!(!beneath.remove(Path::new(name).join("x")).is_ok_and(|removed| removed));
            beneath.remove_folder_of(name, |_| true).unwrap_err();
        }
        assert_eq!(fs::read(outside.path().join("x")).unwrap(), b"x");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    });
}

#[test]
fn r9_a_path_that_leads_out_is_refused_though_the_caller_did_not_look() {
    both_ways(|_, beneath| {
        for bad in ["..", "../x", "a/../../x", "/etc/passwd", "a//b"] {
            assert_eq!(errno(&beneath.file(bad).unwrap_err()), Some(Errno::INVAL), "{bad}");
            beneath.create(bad, Creation::New).unwrap_err();
            beneath.make_folder(bad).unwrap_err();
            beneath.remove(bad).unwrap_err();
            beneath.rename(bad, "x").unwrap_err();
        }
    });
}

#[test]
fn another_file_system_beneath_is_entered_only_where_it_may_be() {
    let open = |one_file_system| Beneath::open(Path::new("/"), Policy { one_file_system, ..POLICY }).unwrap();
    for walks in [false, true] {
        let beneath = open(true);
        beneath.walks.store(walks, Ordering::Relaxed);
        let error = beneath.file("proc/version").unwrap_err();
        assert!(matches!(errno(&error), Some(Errno::XDEV)), "{error:?}");
        let beneath = open(false);
        beneath.walks.store(walks, Ordering::Relaxed);
        beneath.file("proc/version").unwrap();
    }
}

#[test]
fn a_pipe_is_refused_and_does_not_block() {
    both_ways(|top, beneath| {
        rustix::fs::mknodat(rustix::fs::CWD, top.join("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        beneath.file("pipe").unwrap_err();
        beneath.create("pipe", Creation::OrOpen).unwrap_err();
    });
}

#[test]
fn a_folder_is_removed_only_if_all_in_it_is_ours() {
    both_ways(|top, beneath| {
        let ours = |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| name.ends_with(".part"));
        beneath.make_folder("s").unwrap();
        fs::write(top.join("s/0.part"), b"").unwrap();
        fs::write(top.join("s/invoice.pdf"), b"").unwrap();
        assert_eq!(errno(&beneath.remove_folder_of("s", ours).unwrap_err()), Some(Errno::NOTEMPTY));
        assert!(top.join("s/0.part").exists(), "nothing is deleted where something else is there");
        fs::remove_file(top.join("s/invoice.pdf")).unwrap();
        fs::create_dir(top.join("s/deep.part")).unwrap();
        beneath.remove_folder_of("s", ours).unwrap_err();
        fs::remove_dir(top.join("s/deep.part")).unwrap();
        assert!(beneath.remove_folder_of("s", ours).unwrap() && !top.join("s").exists());
        assert!(!beneath.remove_folder_of("s", ours).unwrap());
    });
}
