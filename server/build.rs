//! Builds again when the pages were built again.

fn main() {
    for app in ["desk", "chat", "console"] {
        println!("cargo:rerun-if-changed=../web/apps/{app}/dist");
    }
}
