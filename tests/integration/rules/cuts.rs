//! Two at once, and one that is cut: the old state or the new one, nothing between.

use std::time::{Duration, Instant};

use super::site::{CONFIG, Site, model};

/// With another product role, that reads and writes everything.
const WIDE: &str = "  steward: {may: [read, write]}\nproducts:";

async fn tables(site: &Site) -> Vec<String> {
    let names: Vec<String> = (0..24).map(|n| format!("s.k{n}")).collect();
    let sql: Vec<String> =
        names.iter().map(|name| format!("create table {name} (x int)")).collect();
    site.sql(&sql.join(";")).await;
    site.sql("create role ~ann; create role ~bob").await;
    names
}

fn narrow(site: &Site, names: &[String]) {
    site.config(CONFIG);
    let models: Vec<_> = names.iter().map(|name| model(name).gives("analyst", &["read"])).collect();
    site.models(&models);
    site.members("analyst: [{user: ~ann}]");
}

fn wide(site: &Site, names: &[String]) {
    site.config(
        &CONFIG.replace("products:", WIDE).replace("{{ product.name }}", "new_{{ product.name }}"),
    );
    let each = names.iter();
    let models: Vec<_> = each
        .map(|name| model(name).gives("engineer", &["read"]).gives("steward", &["write"]))
        .collect();
    site.models(&models);
    site.members("analyst: [{user: ~bob}]\nsteward: [{user: ~ann}]");
}

/// What the roles of both states have.
async fn held(site: &Site) -> String {
    let mut held = String::new();
    for role in ["analyst", "engineer", "steward"] {
        for prefix in ["~p_", "~new_p_"] {
            held.push_str(&format!(
                "{prefix}{role}: {}\n",
                site.has(&format!("{prefix}{role}")).await
            ));
        }
    }
    held
}

const APPLY: [&str; 4] = ["apply", "--drop-roles", "--allow-revokes", "1000"];

#[tokio::test]
async fn an_apply_that_is_killed_leaves_the_old_state_or_the_new_one() {
    for site in Site::each().await {
        let names = tables(&site).await;
        narrow(&site, &names);
        site.run(&APPLY).ends(0);
        let old = held(&site).await;
        wide(&site, &names);
        let started = Instant::now();
        site.run(&APPLY).ends(0);
        let whole = started.elapsed();
        let new = held(&site).await;
        assert_ne!(old, new);
        narrow(&site, &names);
        site.run(&APPLY).ends(0);
        assert_eq!(held(&site).await, old);

        let mut seen = [0, 0];
        for cut in 0..30 {
            wide(&site, &names);
            let mut child = site.command(&APPLY).spawn().unwrap();
            // Spread over the whole run and a little beyond it.
            std::thread::sleep(whole.mul_f64(f64::from(cut) * 1.1 / 30.0));
            child.kill().unwrap();
            child.wait().unwrap();
            site.gone().await;
            let now = held(&site).await;
            assert!(now == old || now == new, "cut {cut}\n{now}");
            seen[usize::from(now == new)] += 1;
            site.run(&APPLY).ends(0);
            assert_eq!(held(&site).await, new, "cut {cut}");
            site.run(&["verify", "--drop-roles"]).ends(0);
            narrow(&site, &names);
            site.run(&APPLY).ends(0);
            assert_eq!(held(&site).await, old);
        }
        assert!(seen[0] > 0, "none was cut in time: {seen:?}");
    }
}

#[tokio::test]
async fn batches_that_are_killed_are_finished_by_the_next_apply() {
    let batches = [&APPLY[..], &["--batches", "9"]].concat();
    for site in Site::each().await {
        let names = tables(&site).await;
        narrow(&site, &names);
        site.run(&batches).ends(0);
        let old = held(&site).await;
        wide(&site, &names);
        let started = Instant::now();
        site.run(&batches).ends(0);
        let whole = started.elapsed();
        let new = held(&site).await;
        for cut in 0..8 {
            let (wanted, config): (_, fn(&Site, &[String])) =
                if cut % 2 == 0 { (&old, narrow) } else { (&new, wide) };
            config(&site, &names);
            let mut child = site.command(&batches).spawn().unwrap();
            std::thread::sleep(whole.mul_f64(f64::from(cut + 1) / 9.0));
            child.kill().unwrap();
            child.wait().unwrap();
            site.gone().await;
            site.run(&batches).ends(0);
            assert_eq!(held(&site).await, *wanted, "cut {cut}");
            site.run(&["verify", "--drop-roles"]).ends(0);
        }
    }
}

#[tokio::test]
async fn a_session_that_the_server_ends_leaves_the_old_state_or_the_new_one() {
    for site in Site::each().await {
        let names = tables(&site).await;
        narrow(&site, &names);
        site.run(&APPLY).ends(0);
        let old = held(&site).await;
        wide(&site, &names);
        // Somebody holds a table, so that the apply stands in its transaction when it is ended.
        let blocker = site.blocked("lock table s.k7 in access exclusive mode").await;
        let child = site.command(&APPLY).spawn().unwrap();
        site.waits(1).await;
        let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
        assert_eq!(site.ground.ask(end).await, ["1"]);
        let ran = site.ran(child.wait_with_output().unwrap());
        assert_ne!(ran.code, 0, "{ran:?}");
        blocker.batch_execute("rollback").await.unwrap();
        site.gone().await;
        assert_eq!(held(&site).await, old);
        site.run(&APPLY).ends(0);
        site.run(&["verify", "--drop-roles"]).ends(0);
    }
}

#[tokio::test]
async fn two_applies_at_once_never_mix() {
    for site in Site::each().await {
        let names = tables(&site).await;
        narrow(&site, &names);
        let beside = site.beside();
        let config = CONFIG
            .replace("products:", WIDE)
            .replace("{{ product.name }}", "new_{{ product.name }}");
        for round in 0..4 {
            // The same deployment from two checkouts: whoever comes last is right.
            beside.config(&config);
            let each = names.iter();
            let models: Vec<_> = each
                .map(|name| model(name).gives("engineer", &["read"]).gives("steward", &["write"]))
                .collect();
            beside.models("~shop", &models);
            beside.members("analyst: [{user: ~bob}]\nsteward: [{user: ~ann}]");
            let one = site.command(&APPLY).spawn().unwrap();
            if round % 2 == 1 {
                std::thread::sleep(Duration::from_millis(15));
            }
            let two = beside.command(&APPLY).spawn().unwrap();
            let one = site.ran(one.wait_with_output().unwrap());
            let two = site.ran(two.wait_with_output().unwrap());
            for ran in [&one, &two] {
                assert!([0, 8].contains(&ran.code), "{ran:?}");
            }
            assert!(one.code == 0 || two.code == 0);
            let in_sync = [
                site.run(&["verify", "--drop-roles"]).code,
                beside.run(&["verify", "--drop-roles"]).code,
            ];
            assert!(in_sync.contains(&0), "{in_sync:?}\n{}", held(&site).await);
        }
    }
}

#[tokio::test]
async fn whoever_waits_too_long_for_the_lock_is_refused() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.models(&[
            model("s.u").gives("analyst", &["read"]),
            model("s.t").gives("analyst", &["read"]),
        ]);
        let before = site.everything().await;
        let holder = site.blocked("select pg_advisory_xact_lock(8245928625453493356)").await;
        site.run(&["apply", "--lock-timeout", "1"])
            .ends(8)
            .says("lock")
            .says("nothing was changed");
        // Reading needs no lock.
        site.run(&["plan", "--check"]).ends(3);
        site.run(&["verify"]).ends(3);
        assert_eq!(site.everything().await, before);
        holder.batch_execute("rollback").await.unwrap();
        site.run(&["apply"]).ends(0);
    }
}

#[tokio::test]
async fn whoever_waits_too_long_for_a_table_is_refused() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.models(&[
            model("s.u").gives("analyst", &["read"]),
            model("s.t").gives("analyst", &["read"]),
        ]);
        let before = site.everything().await;
        let holder = site.blocked("lock table s.u in access exclusive mode").await;
        site.run(&["apply", "--lock-timeout", "1"])
            .ends(8)
            .says("lock")
            .says("nothing was changed");
        assert_eq!(site.everything().await, before);
        holder.batch_execute("rollback").await.unwrap();
        site.run(&["apply"]).ends(0);
    }
}
