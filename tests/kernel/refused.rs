//! What is wrong is refused: one clear error, nothing made, nothing leased.

use lab::{Lab, Need, Network, Result, Runtime, Trial, trial};

pub(crate) fn trials() -> Vec<Trial> {
    const NEEDS: [Need; 2] = [Need::MACVLAN, Runtime::Runc.need()];
    let mut trials: Vec<_> = Runtime::ALL
        .map(|runtime| {
            let name = format!("the host's own network is refused, {runtime}");
            trial(name, &[Need::MACVLAN, runtime.need()], move |lab| host_network(lab, runtime))
        })
        .into();
    trials.extend([
        trial("wrong annotations are refused, all mistakes at once", &NEEDS, annotations),
        trial("wrong definitions are refused, with file and place", &NEEDS, definitions),
        trial("wrong states are refused", &NEEDS, states),
        trial("wrong namespaces are refused, by pid and by path", &NEEDS, namespaces),
        trial("wrong networks are not created", &NEEDS, creation),
        trial("networks that exclude each other on a parent are refused", &NEEDS, conflicts),
    ]);
    trials
}

const LAN: &str = "-d macvlan --subnet=10.0.0.0/24 --gateway=10.0.0.1 -o parent=eth0 lan";

fn host_network(lab: &Lab, runtime: Runtime) -> Result {
    lab.network(LAN)?;
    let order = lab.container("c1").by(runtime).networks("lan").network(Network::Host);
    let complaint = order.refused()?;
    let words = if runtime == Runtime::Podman { "underlay-hook" } else { "host" };
    assert!(complaint.contains(words), "{complaint}");
    nothing_was_made(lab)
}

fn annotations(lab: &Lab) -> Result {
    lab.network(LAN)?;
    for (annotation, words) in [
        ("nosuch", &["nosuch", "lan"][..]),
        ("lan,", &["io.underlay.networks"]),
        ("../lan", &["io.underlay.networks", "`..`"]),
        ("lan@eth/0", &["io.underlay.networks", "eth/0"]),
        ("lan:ip=10.0.0.999", &["io.underlay.networks", "10.0.0.999"]),
        ("lan:ip=10.9.0.5", &["10.9.0.5", "10.0.0.0/24"]),
        ("lan:ip=10.0.0.1", &["10.0.0.1", "gateway"]),
        ("lan:mac=01:00:5e:00:00:01", &["01:00:5e:00:00:01", "multicast"]),
        (r#"[{"name":"lan","colour":"red"}]"#, &["colour"]),
        (r#"[{"name":"lan""#, &["io.underlay.networks"]),
        // Both mistakes are told.
        ("lan:ip=nonsense;lan:mac=rubbish", &["nonsense", "rubbish"]),
    ] {
        let complaint = lab.container("c1").networks(annotation).refused()?;
        for word in words {
            assert!(complaint.contains(word), "{annotation}: {word} is not in: {complaint}");
        }
        nothing_was_made(lab)?;
    }
    Ok(())
}

fn definitions(lab: &Lab) -> Result {
    for (text, words) in [
        ("{", &["broken.json", "line 1"][..]),
        (
            r#"{"driver":"macvlan","parent":"eth0","subnets":[{"subnet":"10.0.0.5/24"}]}"#,
            &["subnets[0]", "10.0.0.0/24"],
        ),
        (r#"{"driver":"macvlan","parent":"eth0","colour":"red"}"#, &["colour"]),
        (r#"{"driver":"bridge","vlan":4095}"#, &["driver", "vlan"]),
    ] {
        lab.write("/run/config/networks/broken.json", text)?;
        let complaint = lab.container("c1").networks("broken").refused()?;
        for word in [&["broken.json"], words].concat() {
            assert!(complaint.contains(word), "{text}: {word} is not in: {complaint}");
        }
        nothing_was_made(lab)?;
    }
    // A definition that others than root may write could be anybody's.
    lab.write(
        "/run/config/networks/broken.json",
        r#"{"driver":"macvlan","parent":"eth0","subnets":[{"subnet":"10.0.0.0/24"}]}"#,
    )?;
    lab.host().ok("chmod 666 /run/config/networks/broken.json")?;
    let complaint = lab.container("c1").networks("broken").refused()?;
    assert!(complaint.contains("broken.json"), "{complaint}");
    nothing_was_made(lab)?;
    lab.host().ok("rm /run/config/networks/broken.json").map(drop)
}

fn states(lab: &Lab) -> Result {
    lab.network(LAN)?;
    for state in [
        "",
        "{",
        "[]",
        r#"{"ociVersion":"1.0.2","id":"x","status":"creating","pid":1,"bundle":"/nowhere","annotations":{"io.underlay.networks":"lan"}}"#,
        r#"{"ociVersion":"1.0.2","id":"../x","status":"creating","pid":1,"bundle":"/","annotations":{"io.underlay.networks":"lan"}}"#,
        r#"{"ociVersion":"1.0.2","id":"x","status":"stopped","pid":1,"bundle":"/","annotations":{"io.underlay.networks":"lan"}}"#,
    ] {
        let complaint = lab.hook("createRuntime", state)?.failure()?;
        assert_eq!(complaint.trim_end().lines().count(), 1, "{state}: {complaint}");
        nothing_was_made(lab)?;
    }
    // Nobody can put this right at poststop, and other hooks wait behind it.
    for state in ["", "{", r#"{"ociVersion":"1.0.2","id":"x","status":"stopped","bundle":"/nowhere"}"#] {
        lab.hook("poststop", state)?.success()?;
    }
    Ok(())
}

/// A hook that has given up its rights still tells what is wrong with a path that it cannot open.
fn namespaces(lab: &Lab) -> Result {
    lab.network(LAN)?;
    let container = lab.container("c1").start()?;
    lab.host().ok("ip netns add other")?;
    lab.host().ok("touch /run/netns/gone")?;
    let (inside, dead) = (container.pid, lab.host().sh("sh -c 'echo $$'")?);
    let host = "/proc/self/ns/net";
    for (pid, path, words) in [
        (inside.to_string(), "/proc/self/ns/mnt", "is not a network namespace but one of kind `mnt`"),
        ("0".to_owned(), "/proc/self/ns/mnt", "is not a network namespace but one of kind `mnt`"),
        (inside.to_string(), "/run/netns/gone", "is not a namespace file"),
        (inside.to_string(), "/etc/shadow", "is not a namespace file"),
        ("0".to_owned(), "/etc/shadow", "is not a namespace file"),
        (inside.to_string(), "/run/netns/none", "cannot open network namespace /run/netns/none"),
        (inside.to_string(), "/run/netns/other", "contradict each other"),
        (inside.to_string(), host, "contradict each other"),
        ("0".to_owned(), host, "shares the host's network namespace"),
        ("2147483647".to_owned(), "", "cannot look at process 2147483647"),
        (dead.trim().to_owned(), "", "cannot look at process"),
        ("0".to_owned(), "", "the container's network namespace is unknown"),
    ] {
        let config = format!(r#"{{"linux":{{"namespaces":[{{"type":"network","path":"{path}"}}]}}}}"#);
        lab.write("/run/wrong/config.json", &config)?;
        let state = format!(
            r#"{{"id":"x","status":"creating","pid":{pid},"bundle":"/run/wrong","annotations":{{"io.underlay.networks":"lan"}}}}"#
        );
        let complaint = lab.hook("createRuntime", &state)?.failure()?;
        assert!(complaint.contains(words), "{pid} {path}: {complaint}");
        assert_eq!(lab.records()?, [""; 0]);
    }
    container.delete()?;
    lab.host().ok("rm /run/netns/gone")?;
    lab.host().ok("ip netns del other").map(drop)
}

fn creation(lab: &Lab) -> Result {
    for (line, words) in [
        ("-d macvlan --subnet=10.0.0.5/24 -o parent=eth0 bad", &["10.0.0.0/24"][..]),
        ("-d macvlan --subnet=10.0.0.0/24 --gateway=10.1.0.1 -o parent=eth0 bad", &["10.1.0.1"]),
        ("-d macvlan --subnet=10.0.0.0/24 -o parent=eth0 -o macvlan_mode=l3 bad", &["l3", "bridge"]),
        ("-d macvlan --subnet=10.0.0.0/24 -o parent=lo bad", &["lo"]),
        ("-d macvlan --subnet=10.0.0.0/24 -o parent=eth0.4095 bad", &["4095"]),
        ("-d macvlan --subnet=10.0.0.0/24 -o parent=eth0 --mtu=9000 bad", &["9000", "1500"]),
        ("-d macvlan --subnet=10.0.0.0/24 -o parent=eth0 ../bad", &["../bad"]),
    ] {
        let complaint = lab.underlay(&format!("network create {line}"))?.failure()?;
        for word in words {
            assert!(complaint.contains(word), "{line}: {word} is not in: {complaint}");
        }
        assert_eq!(lab.underlay("network ls -q")?.success()?, "", "{line}");
    }
    Ok(())
}

fn conflicts(lab: &Lab) -> Result {
    lab.network(LAN)?;
    for (line, words) in [
        ("-d macvlan --subnet=10.0.0.0/24 -o parent=eth0 again", &["lan", "10.0.0.0/24"][..]),
        ("-d macvlan --subnet=10.0.0.128/25 -o parent=eth0 inside", &["lan", "10.0.0.0/24"]),
        ("-d ipvlan --subnet=10.1.0.0/24 -o parent=eth0 other", &["lan", "eth0"]),
        ("-d macvlan --subnet=10.1.0.0/24 -o parent=eth0 -o macvlan_mode=passthru alone", &["lan", "eth0"]),
    ] {
        let complaint = lab.underlay(&format!("network create {line}"))?.failure()?;
        for word in words {
            assert!(complaint.contains(word), "{line}: {word} is not in: {complaint}");
        }
    }
    assert_eq!(lab.underlay("network ls -q")?.success()?, "lan\n");
    // The mode of ipvlan is the parent's: the kernel would switch the first network's containers without a
    // word.
    lab.underlay("network rm lan")?.success()?;
    lab.network("-d ipvlan --subnet=10.1.0.0/24 -o parent=eth0 -o ipvlan_mode=l2 first")?;
    let complaint = lab
        .underlay("network create -d ipvlan --subnet=10.2.0.0/24 -o parent=eth0 -o ipvlan_mode=l3 second")?
        .failure()?;
    assert!(complaint.contains("first") && complaint.contains("eth0"), "{complaint}");
    Ok(())
}

fn nothing_was_made(lab: &Lab) -> Result {
    assert_eq!(lab.leases()?, [""; 0]);
    let links: Vec<_> = lab.host().interfaces()?.into_iter().map(|interface| interface.name).collect();
    assert_eq!(links, ["eth0"]);
    Ok(())
}
