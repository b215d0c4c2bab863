#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed_templates.py FOLDER OUTPUT: writes the project templates below FOLDER as a C++ file, for src/project/initial_project.cc."""

import pathlib
import sys

root, output = map(pathlib.Path, sys.argv[1:])
lines = ["// Written by scripts/embed_templates.py.", "", '#include "weir/project/initial_project.h"', "", "namespace weir {", "",
         "const std::vector<EmbeddedFile>& EmbeddedFiles() {",
         "  static const std::vector<EmbeddedFile> files = {"]
for path in sorted(p for p in root.rglob("*") if p.is_file()):
    template, *rest = path.relative_to(root).parts
    data = path.read_bytes()
    # Octal escapes of three digits end where they end, whatever follows.
    text = "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in data)
    lines.append(f'      {{"{template}", "{"/".join(rest)}", std::string_view("{text}", {len(data)})}},')
lines += ["  };", "  return files;", "}", "", "}  // namespace weir", ""]
output.parent.mkdir(parents=True, exist_ok=True)
output.write_text("\n".join(lines))
