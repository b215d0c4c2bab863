#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# icu_data.sh LIBICUDATA.A OUT.O: of ICU's 31 MB of data what Weir asks for, as an object file with the symbol that ICU looks for.
# The tables of NFC and of upper and lower case are in ICU's code; src/functions/text/unicode_text.cc also normalises to NFKC and NFKD.
set -euo pipefail
wanted=(nfkc.nrm)

archive=$1
out=$(realpath -m "$2")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp "$archive" "$scratch/all.a"
cd "$scratch"
PATH=$PATH:/usr/sbin
ar x all.a
symbol=$(nm ./icudt*_dat.o | grep -oE 'icudt[0-9]+_dat')
package=${symbol%_dat}l.dat  # icupkg compares the name with the one in the data
mkdir all
objcopy -O binary --only-section=.rodata ./icudt*_dat.o "all/$package"
printf '%s\n' "${wanted[@]}" >wanted.txt
icupkg -x wanted.txt -d . "all/$package"
icupkg -s . -a wanted.txt new "$package"
cat >data.S <<ASSEMBLY
.section .rodata
.balign 16
.globl $symbol
.type $symbol, @object
$symbol: .incbin "$package"
.size $symbol, .-$symbol
.section .note.GNU-stack,"",@progbits
ASSEMBLY
cc -c data.S -o "$out"
