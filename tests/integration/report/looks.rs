//! Whether it can be read: contrast in both themes, and the picture in the README.

use super::*;

/// Every text that is seen, with its colour and what is behind it, as far as it is not readable:
/// WCAG 2.2, 1.4.3 (AA) asks for 4.5, or 3 where it is large.
const PALE: &str = r#"(() => {
  const parse = (text) => { const n = text.match(/[\d.]+/g).map(Number); return n.length === 3 ? [...n, 1] : n; };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const over = (top, under) => [0, 1, 2].map((at) => top[at] * top[3] + under[at] * (1 - top[3])).concat(1);
  const behind = (element) => {
    const layers = [];
    for (let it = element; it; it = it.parentElement) {
      if (it instanceof SVGElement && it.tagName === 'g') { const rect = it.querySelector('rect'); if (rect) layers.push(parse(getComputedStyle(rect).fill)); }
      layers.push(parse(getComputedStyle(it).backgroundColor));
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255, 1]);
  };
  const pale = [];
  let seen = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !element.checkVisibility() || /SCRIPT|STYLE|OPTION|NOSCRIPT/.test(element.tagName)) continue;
    seen += 1;
    const style = getComputedStyle(element);
    const [front, back] = [parse(element instanceof SVGElement ? style.fill : style.color), behind(element)];
    const [one, other] = [light(over(front, back)), light(back)];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) pale.push(`${ratio.toFixed(2)} ${element.tagName}.${element.getAttribute('class')} ${walk.currentNode.textContent.trim().slice(0, 30)}`);
  }
  return [seen, pale];
})()"#;

#[test]
fn all_text_has_enough_contrast_in_both_themes() {
    let (_folder, file) = declared();
    let mut browser = Browser::start();
    for theme in ["light", "dark"] {
        // As the system says, and by the switch.
        for by_system in [true, false] {
            let system = if by_system { theme } else { "light" };
            let features = serde_json::json!([{"name": "prefers-color-scheme", "value": system}]);
            browser.call("Emulation.setEmulatedMedia", serde_json::json!({"features": features}));
            browser.open(&file);
            choose(&mut browser, "theme", if by_system { "as the system" } else { theme });
            let ground = browser.text("getComputedStyle(document.body).backgroundColor");
            assert_eq!(ground == "rgb(16, 20, 26)", theme == "dark", "{ground}");
            for view in ["matrix", "products", "roles", "people", "findings"] {
                browser.eval(&format!("document.querySelector('#tab-{view}').click()"));
                check(&mut browser, &format!("{theme} {view}"));
            }
            browser.eval("document.querySelector('#tab-matrix').click()");
            browser.eval("[...document.querySelectorAll('.box .cell')].at(0).click()");
            assert!(
                browser.eval("document.querySelectorAll('.chart rect').length").as_u64() > Some(1)
            );
            check(&mut browser, &format!("{theme} details"));
        }
    }
    // The switch is kept where the page is opened again.
    browser.open(&file);
    assert_eq!(browser.text("document.documentElement.dataset.theme"), "dark");
}

#[track_caller]
fn check(browser: &mut Browser, what: &str) {
    let told = browser.eval(PALE);
    assert!(told[0].as_u64() > Some(15), "{what}: {told}");
    assert_eq!(told[1], serde_json::json!([]), "{what}");
}

/// `ROLECALL_WRITE_IMAGES=1 cargo test --test integration the_picture_of_the_report` writes it.
#[test]
fn the_picture_of_the_report_is_there_and_small() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images/report.png");
    if std::env::var_os("ROLECALL_WRITE_IMAGES").is_some() {
        let (_folder, file) = declared();
        let mut browser = Browser::start();
        browser.size(1280, 860);
        browser.open(&file);
        choose(&mut browser, "environment", "prod");
        choose(&mut browser, "columns", "Everybody and everything");
        browser.eval(
            "[...document.querySelectorAll('[role=gridcell]')]
               .find(it => it.getAttribute('aria-label') === 'fct_orders, taylor: read').click()",
        );
        write(&kept, &browser.screenshot());
    }
    let picture = std::fs::read(kept).unwrap();
    assert!(picture.starts_with(b"\x89PNG") && picture.len() < 300_000, "{}", picture.len());
}
