#!/bin/bash
# Builds the kernel of virtual-time peers in the current folder, which holds `config` and the patches, and puts it into
# `linux`. The argument is the source as a tar file, or what to download ("linux-source-6.1=6.1.192-2").
#
# Lines that begin with "== " name the step; the number after "== compiling" is how many lines make will print, about.
# Standard input is a lifeline. Its other end is with whoever wants the kernel: when it closes without a word, all that
# runs here is ended and the folder removed. For that we must be the leader of a process group.
set -euo pipefail
source=$1

folder=$PWD
exec 9<&0 </dev/null
(
  trap '' TERM
  if read -r -N 1 -u 9; then exit; fi
  kill -TERM 0
  for attempt in 1 2 3 4 5; do rm -rf "$folder" && break; sleep 1; done
) >/dev/null 2>&1 &
exec 9<&-

# The tree, without most of what other computers need. Kconfig and make files stay: they are read in any case.
unpack() {
  mkdir tree
  tar --extract --xz --directory=tree --strip-components=1 --file="$1" \
    --exclude='*/arch/[!ux]*/*.[chS]' --exclude='*/arch/*.dts*' --exclude='*/Documentation/*.[rty]*' \
    --exclude='*/drivers/gpu/*.[ch]' --exclude='*/drivers/media/*.[ch]' --exclude='*/drivers/staging/*.[ch]' \
    --exclude='*/drivers/scsi/*.[ch]' --exclude='*/drivers/infiniband/*.[ch]' --exclude='*/drivers/usb/*.[ch]' \
    --exclude='*/drivers/net/ethernet/*.[ch]' --exclude='*/drivers/net/wireless/*.[ch]' \
    --exclude='*/sound/*.[ch]' --exclude='*/tools/perf' --exclude='*/tools/testing'
}

if [ ! -f "$source" ]; then
  echo "== downloading"
  apt-get download -q "$source"
  dpkg-deb --fsys-tarfile linux-source-*.deb | tar --extract --wildcards './usr/src/linux-source-*.tar.xz'
  rm linux-source-*.deb
  source=$(echo usr/src/linux-source-*.tar.xz)
fi
echo "== unpacking"
unpack "$source"
rm -rf usr

echo "== patching"
for patch in *.patch; do patch --directory=tree --strip=1 --fuzz=0 --no-backup-if-mismatch <"$patch"; done

# The same octets wherever and whenever it is built: all that would go into the kernel's version line is fixed.
export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' KBUILD_BUILD_VERSION=1
export KBUILD_BUILD_USER=gatelab KBUILD_BUILD_HOST=gatelab SOURCE_DATE_EPOCH=0
compiler=gcc
# A cache that cannot be written to makes ccache fail; then do without.
echo 'int one;' >trial.c
if ccache gcc -c -o trial.o trial.c 2>/dev/null; then compiler='ccache gcc'; fi
rm -f trial.c trial.o
build() { make --directory=tree ARCH=um CC="$compiler" HOSTCC="$compiler" "$@"; }

echo "== configuring"
build defconfig
(cd tree && ARCH=um scripts/kconfig/merge_config.sh -m .config ../config)
build olddefconfig
# A line that Kconfig did not take is a mistake of ours, or a change of Debian's that wants a look. Off is also absent.
while read -r line; do
  case $line in
    CONFIG_*) grep -qxF "$line" tree/.config && continue ;;
    '# CONFIG_'*) name=${line#\# } name=${name%% *}; grep -q "^$name=" tree/.config || continue ;;
    *) continue ;;
  esac
  echo "configuration: \"$line\" was not taken"
  exit 1
done <config

echo "== compiling 1300"
build --jobs="$(nproc)" linux
echo "== finishing"
strip --strip-all -o linux tree/linux
sync linux
rm -rf tree
