// SPDX-License-Identifier: Apache-2.0
//! Generates and compiles the C++ half of the bridge. The headers it includes are those of the room `engine`, found where CMake
//! lays the rooms' include paths; a plain `cargo build` lays them itself.

use std::path::PathBuf;

fn main() {
    let manifest = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("set by cargo"));
    let engine = manifest.join("../../src/engine");
    let include = out.join("rooms");
    std::fs::create_dir_all(include.join("weir")).expect("create include folder");
    let link = include.join("weir/engine");
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(engine.canonicalize().expect("src/engine exists"), &link).expect("link src/engine");

    cxx_build::bridge("src/lib.rs").std("c++20").include(&include).compile("bridge_cxx");
    println!("cargo:rerun-if-changed=src/lib.rs");
    for header in ["arrow_abi.h", "batch_tap.h", "function_callbacks.h", "table_callback.h"] {
        println!("cargo:rerun-if-changed={}", engine.join(header).display());
    }
}
