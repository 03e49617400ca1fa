//! The page of a warehouse: what it says everybody may do is what `who-can` says.

use std::collections::{BTreeMap, BTreeSet};

use rolecall::warehouse::engine::native::Options;
use serde_json::Value;

use super::*;
use crate::engines::{Ground, apart, bins};
use crate::rules::site::{Site, model};

/// What the report says somebody holds, can use, and can use after SET ROLE.
type May = (BTreeSet<String>, BTreeSet<String>, BTreeSet<String>);

fn texts(set: &Value) -> BTreeSet<String> {
    set.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}

/// By relation and role, as the page's script would look it up.
fn told(data: &Value) -> BTreeMap<(String, String), May> {
    let here = &data["environments"][0];
    let mut told = BTreeMap::new();
    for (actor, name) in here["actors"]["name"].as_array().unwrap().iter().enumerate() {
        let row = &here["rows"][here["row"][actor].as_u64().unwrap() as usize];
        let runs: Vec<usize> =
            row.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
        let mut model = 0;
        for run in runs.chunks(3) {
            model += run[0];
            for _ in 0..run[1] {
                let cell = &here["cells"][run[2]];
                let set = |key: &str| texts(&here["sets"][cell[key].as_u64().unwrap() as usize]);
                let relation = here["relations"][model].as_str().unwrap().to_owned();
                let key = (relation, name.as_str().unwrap().to_owned());
                told.insert(key, (set("held"), set("usable"), set("later")));
                model += 1;
            }
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_of_a_warehouse_is_what_who_can_says_and_shows_the_drift() {
    let mut browser = Browser::start();
    // Of their own: two commands are compared, and other tests make roles in between.
    let mut bins = bins();
    if bins.len() > 2 {
        bins.drain(1..bins.len() - 1);
    }
    for bin in bins {
        let engine = apart(&Options { bin, ..Options::default() });
        let site = Site::on(Ground::on(engine).await).await;
        site.sql(
            "create role ~taylor login; create role ~sam login; create role ~kim login noinherit;
             create role ~mallory login; create role ~noor login; create role ~ad_sales;
             create role ~boss login superuser; grant ~boss to ~ad_sales;
             create view s.v as select * from s.t; create materialized view s.m as select 1 as one",
        )
        .await;
        site.members(
            "analyst:\n  - user: ~taylor\n  - group: ~ad_sales\nengineer:\n  - user: ~sam\n",
        );
        site.models(&[
            model("s.t").gives("analyst", &["read"]).gives("engineer", &["read", "write"]),
            model("s.u"),
            model("s.v").gives("analyst", &["read"]),
            model("s.m").gives("analyst", &["read"]),
        ]);
        site.run(&["apply"]).ends(0);
        let file = site.path("access.html");
        let out = file.to_str().unwrap();
        site.run(&["report", "--out", out]).ends(0);
        browser.open(&file);
        let drift = "document.querySelector('#figures').innerText";
        assert!(browser.text(drift).contains("in sync"));

        site.sql(
            "grant ~p_analyst to ~kim; grant select on s.t to ~mallory; grant ~ad_sales to ~mallory;
             grant pg_read_all_data to ~noor; grant select on s.u to public;
             alter table s.u enable row level security;
             revoke usage on schema s from ~p_engineer",
        )
        .await;
        let data = site.run(&["report", "--format", "json"]).ends(0);
        let data: Value = serde_json::from_str(&data.out).unwrap();
        let mut told = told(&data);
        let mut asked = 0;
        for relation in ["s.t", "s.u", "s.v", "s.m"] {
            let newest = site.ground.version().await >= 17;
            let also = if newest { &["MAINTAIN"][..] } else { &[] };
            for permission in ["admin", "own"].iter().chain(also) {
                let arguments = ["who-can", permission, relation, "--format", "json"];
                let who = site.run(&arguments).ends(0);
                let who: Value = serde_json::from_str(&who.out).unwrap();
                for holder in who["holders"].as_array().unwrap() {
                    let name = holder["who"].as_str().unwrap().to_owned();
                    let Some(may) = told.get_mut(&(format!("db.{relation}"), name.clone())) else {
                        // The server's own roles that nobody is in are left out.
                        assert!(name.starts_with("pg_"), "{holder} on {relation}");
                        continue;
                    };
                    for one in holder["may"].as_array().unwrap() {
                        let privilege = one["privilege"].as_str().unwrap();
                        let what = format!("{name} {privilege} on {relation}: {one} and {may:?}");
                        assert_eq!(may.0.remove(privilege), one["held"] == true, "{what}");
                        assert_eq!(may.1.remove(privilege), one["usable"] == true, "{what}");
                        let later = one["usable"] == false && !one["by_set_role"].is_null();
                        assert_eq!(may.2.remove(privilege), later, "{what}");
                        asked += 1;
                    }
                }
            }
        }
        let more: Vec<_> = told.iter().filter(|(_, may)| **may != May::default()).collect();
        assert!(more.is_empty(), "the report says more: {more:?}");
        assert!(asked > 60, "{asked}");

        site.run(&["report", "--out", out]).ends(0);
        browser.open(&file);
        browser.eval("document.querySelector('#tab-findings').click()");
        let said = site.ground.strip(&browser.text("document.querySelector('#view').innerText"));
        for line in ["member kim, let in by postgres", "USAGE on schema db.s", "nobody declares it"]
        {
            assert!(said.contains(line), "{line}: {said}");
        }
        let opened = |browser: &mut Browser, person: &str, model: &str| {
            let (person, prefix) = (site.ground.own(person), &site.ground.prefix);
            let address =
                format!("person={person}&model=model.{prefix}shop.s_{model}&actor={person}");
            browser.open_at(&file, Some(&address));
            let panel = "document.querySelector('#panel').innerText.replace(/\\s+/g, ' ')";
            site.ground.strip(&browser.text(panel))
        };
        let noor = opened(&mut browser, "~noor", "t");
        assert!(
            noor.contains("in pg_read_all_data declared nowhere; by postgres → has SELECT"),
            "{noor}"
        );
        let sam = opened(&mut browser, "~sam", "t");
        assert!(
            sam.contains("Held and of no use: ")
                && sam.contains("USAGE on the schema db.s is missing"),
            "{sam}"
        );
        let kim = opened(&mut browser, "~kim", "t");
        assert!(kim.contains("after SET ROLE") && kim.contains("may SET ROLE p_analyst"), "{kim}");
        let anybody = opened(&mut browser, "~taylor", "u");
        assert!(anybody.contains("everyone (PUBLIC) has SELECT"), "{anybody}");
        assert!(anybody.contains("Row security is on"), "{anybody}");
        assert_eq!(browser.complaints(), Vec::<String>::new());
    }
}
