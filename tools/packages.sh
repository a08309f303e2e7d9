# The Debian packages Posthorn needs; sourced by ./run and ./test.
build_packages="clang-19 lld-19 cmake ninja-build pkg-config ccache libboost1.81-dev libssl-dev libicu-dev
  librocksdb-dev libargon2-dev liblz4-dev zlib1g-dev libjemalloc-dev libtomlplusplus-dev libcli11-dev libspdlog-dev libfmt-dev libunbound-dev"
run_packages="curl python3"
test_packages="$run_packages llvm-19 libclang-rt-19-dev libgtest-dev libbenchmark-dev swaks isync mutt notmuch fetchmail getmail6 mpop msmtp
  libio-socket-ssl-perl libauthen-sasl-perl gsasl libsasl2-modules openssl iproute2 dovecot-imapd imapfilter offlineimap3 neomutt
  python3-dkim python3-nacl python3-prometheus-client opendkim libmail-srs-perl nsd ldnsutils postfix dovecot-lmtpd
  groff-base dovecot-pop3d libdb5.3 libgnutls-dane0 libidn12 libnsl2 libpcre2-8-0"
# Debian has one mail server installed at a time: Exim, Courier and Cyrus, which the tests talk to as well, are only unpacked (their libraries are above, or
# unpacked beside them).
unpacked_packages="exim4-daemon-light courier-imap courier-base courier-authlib libcourier-unicode4
  cyrus-imapd cyrus-common libical3 libclamav12 libxapian30 libzephyr4 libjansson4 libwrap0 libpcre3 libtfm1 libjson-c5 libpq5 libxml2 libmspack0"

# install_packages PACKAGE...  installs those that are missing; asks for root only then.
install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if ! command -v apt-get >/dev/null; then
    echo "Missing: ${missing[*]}. Posthorn builds on Debian 12; install what corresponds to these packages." >&2
    return 1
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "These Debian packages are missing, and only root can install them: ${missing[*]}" >&2
      echo "As root: apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "Installing Debian packages: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get update &&
         "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } \
         >"$log" 2>&1; then
    echo "Installing failed. The last lines of apt-get:" >&2
    tail -n 15 "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# unpack_packages FOLDER PACKAGE...  unpacks those that are not there; what needs one says so and is skipped when it cannot be fetched.
unpack_packages() {
  local folder=$1 package parts
  shift
  for package in "$@"; do
    [ -e "$folder/$package" ] && continue
    parts=$(mktemp -d)
    if (cd "$parts" && apt-get download "$package") >/dev/null 2>&1 && mkdir -p "$folder" && dpkg -x "$parts"/*.deb "$folder/$package.part"; then
      mv "$folder/$package.part" "$folder/$package"
    else
      echo "Could not fetch the Debian package $package; its tests are skipped." >&2
    fi
    rm -rf "$parts"
  done
}

# build PRESET TARGET...  configures and builds, quietly unless it fails.
build() {
  local preset=$1 log=build/$1.log
  shift
  mkdir -p build
  if ! cmake --preset "$preset" >"$log" 2>&1; then
    echo "Configuring the build failed ($log):" >&2
    tail -n 25 "$log" >&2
    return 1
  fi
  if ! ninja -C "build/$preset" "$@" >"$log" 2>&1; then
    echo "Building failed ($log):" >&2
    grep -E -A12 'error:|FAILED' "$log" | head -n 60 >&2
    return 1
  fi
}
