# Completion for wsd in bash: commands, options, and values where there is something to choose from.
# Needs nothing but bash. Installed as share/bash-completion/completions/wsd, or sourced by ~/.bashrc.
# shellcheck shell=bash

# made by scripts/document
_wsd_commands='start stop restart reload upgrade reopen status connections check publish version'
_wsd_options() {  # of command $1
  case $1 in
    start) echo '-h --help -g --graceful --set --set-file --page --no-page --subprotocol --listen --api --api-token-file --allow-origin --trusted-proxy --tls-cert --tls-key --tls-client-ca --tls-reload --relay-timeout --count -d --daemon --no-daemon --user --group --umask --core-dumps --no-core-dumps --stop-timeout --drain-timeout --watchdog --max-message --send-queue --send-queue-total --slow-consumer --max-connections --max-connections-per-address --max-handshakes-per-address --max-messages-per-address --max-handshake --message-timeout --accepts-per-turn --handshake-timeout --ping-interval --ping-misses --idle-timeout --close-timeout --deflate --no-deflate --deflate-threshold --deflate-window-bits --deflate-mem-level --deflate-level --deflate-server-takeover --no-deflate-server-takeover --deflate-client-takeover --no-deflate-client-takeover --log-file --log-level --log-format --access-log --stdout-file --config --name --run-dir' ;;
    stop) echo '-h --help -g --graceful --config --name --run-dir' ;;
    restart) echo '-h --help -g --graceful --set --set-file --page --no-page --subprotocol --listen --api --api-token-file --allow-origin --trusted-proxy --tls-cert --tls-key --tls-client-ca --tls-reload --relay-timeout --count -d --daemon --no-daemon --user --group --umask --core-dumps --no-core-dumps --stop-timeout --drain-timeout --watchdog --max-message --send-queue --send-queue-total --slow-consumer --max-connections --max-connections-per-address --max-handshakes-per-address --max-messages-per-address --max-handshake --message-timeout --accepts-per-turn --handshake-timeout --ping-interval --ping-misses --idle-timeout --close-timeout --deflate --no-deflate --deflate-threshold --deflate-window-bits --deflate-mem-level --deflate-level --deflate-server-takeover --no-deflate-server-takeover --deflate-client-takeover --no-deflate-client-takeover --log-file --log-level --log-format --access-log --stdout-file --config --name --run-dir' ;;
    reload) echo '-h --help -g --graceful --json --set --set-file --page --no-page --subprotocol --listen --api --api-token-file --allow-origin --trusted-proxy --tls-cert --tls-key --tls-client-ca --tls-reload --relay-timeout --count -d --daemon --no-daemon --user --group --umask --core-dumps --no-core-dumps --stop-timeout --drain-timeout --watchdog --max-message --send-queue --send-queue-total --slow-consumer --max-connections --max-connections-per-address --max-handshakes-per-address --max-messages-per-address --max-handshake --message-timeout --accepts-per-turn --handshake-timeout --ping-interval --ping-misses --idle-timeout --close-timeout --deflate --no-deflate --deflate-threshold --deflate-window-bits --deflate-mem-level --deflate-level --deflate-server-takeover --no-deflate-server-takeover --deflate-client-takeover --no-deflate-client-takeover --log-file --log-level --log-format --access-log --stdout-file --config --name --run-dir' ;;
    upgrade) echo '-h --help --json --config --name --run-dir' ;;
    reopen) echo '-h --help --config --name --run-dir' ;;
    status) echo '-h --help --watch --json --config --name --run-dir' ;;
    connections) echo '-h --help --worker --remote --path --state --min-age --min-idle --min-queue --sort --limit --json --config --name --run-dir' ;;
    check) echo '-h --help --json --set --set-file --page --no-page --subprotocol --listen --api --api-token-file --allow-origin --trusted-proxy --tls-cert --tls-key --tls-client-ca --tls-reload --relay-timeout --count -d --daemon --no-daemon --user --group --umask --core-dumps --no-core-dumps --stop-timeout --drain-timeout --watchdog --max-message --send-queue --send-queue-total --slow-consumer --max-connections --max-connections-per-address --max-handshakes-per-address --max-messages-per-address --max-handshake --message-timeout --accepts-per-turn --handshake-timeout --ping-interval --ping-misses --idle-timeout --close-timeout --deflate --no-deflate --deflate-threshold --deflate-window-bits --deflate-mem-level --deflate-level --deflate-server-takeover --no-deflate-server-takeover --deflate-client-takeover --no-deflate-client-takeover --log-file --log-level --log-format --access-log --stdout-file --config --name --run-dir' ;;
    publish) echo '-h --help --binary --json --config --name --run-dir' ;;
    version) echo '-h --help' ;;
  esac
}
_wsd_argument() {  # what the first argument of command $1 is
  case $1 in
    start) echo 'app echo push chat danmaku' ;;
    restart) echo 'app echo push chat danmaku' ;;
    reload) echo 'app echo push chat danmaku' ;;
    check) echo 'app echo push chat danmaku' ;;
  esac
}
_wsd_value() {  # what the value of option $2 of command $1 is; nothing: it needs none
  case "$1 $2" in
    *' --accepts-per-turn') echo 'any' ;;
    *' --access-log') echo 'file' ;;
    *' --allow-origin') echo 'any' ;;
    *' --api') echo 'any' ;;
    *' --api-token-file') echo 'file' ;;
    *' --close-timeout') echo 'any' ;;
    *' --config') echo 'file' ;;
    *' --count') echo 'any' ;;
    *' --deflate-level') echo 'any' ;;
    *' --deflate-mem-level') echo 'any' ;;
    *' --deflate-threshold') echo 'any' ;;
    *' --deflate-window-bits') echo 'any' ;;
    *' --drain-timeout') echo 'any' ;;
    *' --group') echo 'group' ;;
    *' --handshake-timeout') echo 'any' ;;
    *' --idle-timeout') echo 'any' ;;
    *' --limit') echo 'any' ;;
    *' --listen') echo 'any' ;;
    *' --log-file') echo 'file' ;;
    *' --log-format') echo 'words text json' ;;
    *' --log-level') echo 'words debug info warning error' ;;
    *' --max-connections') echo 'any' ;;
    *' --max-connections-per-address') echo 'any' ;;
    *' --max-handshake') echo 'any' ;;
    *' --max-handshakes-per-address') echo 'any' ;;
    *' --max-message') echo 'any' ;;
    *' --max-messages-per-address') echo 'any' ;;
    *' --message-timeout') echo 'any' ;;
    *' --min-age') echo 'any' ;;
    *' --min-idle') echo 'any' ;;
    *' --min-queue') echo 'any' ;;
    *' --name') echo 'instance' ;;
    *' --path') echo 'any' ;;
    *' --ping-interval') echo 'any' ;;
    *' --ping-misses') echo 'any' ;;
    *' --relay-timeout') echo 'any' ;;
    *' --remote') echo 'any' ;;
    *' --run-dir') echo 'directory' ;;
    *' --send-queue') echo 'any' ;;
    *' --send-queue-total') echo 'any' ;;
    *' --set') echo 'any' ;;
    *' --set-file') echo 'key-file' ;;
    *' --slow-consumer') echo 'words drop close' ;;
    *' --sort') echo 'words id worker remote path subprotocol age idle messages_in messages_out bytes_in bytes_out queue deflate tls state' ;;
    *' --state') echo 'words opening open paused closing ending' ;;
    *' --stdout-file') echo 'file' ;;
    *' --stop-timeout') echo 'any' ;;
    *' --subprotocol') echo 'any' ;;
    *' --tls-cert') echo 'file' ;;
    *' --tls-client-ca') echo 'file' ;;
    *' --tls-key') echo 'file' ;;
    *' --tls-reload') echo 'words relay drain' ;;
    *' --trusted-proxy') echo 'any' ;;
    *' --umask') echo 'any' ;;
    *' --user') echo 'user' ;;
    *' --watchdog') echo 'any' ;;
    *' --worker') echo 'any' ;;
  esac
}
# end

# The command line as wsd sees it. Bash breaks words at = and : (COMP_WORDBREAKS).
_wsd_join() {  # sets joined, the words up to the cursor, and piece, what bash takes for the last of them
  local word glue=''
  joined=()
  piece=''
  for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
    piece=$word
    if [[ ${#joined[@]} -gt 0 && $word == [=:]* && $word != *[!=:]* ]]; then
      joined[-1]+=$word
      glue=yes
      piece=''
    elif [[ $glue ]]; then
      joined[-1]+=$word
      glue=''
    else
      joined+=("$word")
    fi
  done
}

# The run directory that the command line, the environment and the user say.
_wsd_run_directory() {
  local i directory=${WSD_RUN_DIR-}
  for ((i = 2; i < ${#joined[@]} - 1; i++)); do
    case ${joined[i]} in
      --run-dir) directory=${joined[i + 1]} ;;
      --run-dir=*) directory=${joined[i]#*=} ;;
    esac
  done
  if [[ ! $directory ]]; then
    directory=/run/wsd
    [[ $EUID == 0 ]] || directory=${XDG_RUNTIME_DIR-}/wsd
  fi
  printf '%s\n' "${directory/#\~/$HOME}"
}

# What begins with $2 and is of kind $1, with the words $3… where the kind has some.
_wsd_values() {
  local kind=$1 begin=$2 directory socket
  shift 2
  case $kind in
    words) compgen -W "$*" -- "$begin" ;;
    file) compgen -f -- "$begin" ;;
    directory) compgen -d -- "$begin" ;;
    user) compgen -u -- "$begin" ;;
    group) compgen -g -- "$begin" ;;
    instance)
      directory=$(_wsd_run_directory)
      compgen -f -X '!*.sock' -- "$directory/$begin" | while IFS= read -r socket; do
        [[ -S $socket ]] || continue
        socket=${socket##*/}
        printf '%s\n' "${socket%.sock}"
      done
      ;;
    key-file)
      [[ $begin == *=* ]] || return
      compgen -P "${begin%%=*}=" -f -- "${begin#*=}"
      ;;
    app)
      compgen -W "$*" -- "$begin"
      compgen -d -- "$begin"
      compgen -f -X '!*.cpp' -- "$begin"
      compgen -f -X '!*.so' -- "$begin"
      ;;
  esac
}

# How many of the words after the command are no options and no values of options.
_wsd_count_arguments() {
  local i count=0
  for ((i = 2; i < ${#joined[@]} - 1; i++)); do
    case ${joined[i]} in
      -*=*) ;;
      -*) [[ ! $(_wsd_value "${joined[1]}" "${joined[i]}") ]] || i=$((i + 1)) ;;
      *) count=$((count + 1)) ;;
    esac
  done
  echo "$count"
}

_wsd() {
  local joined piece current option kind='' prefix=''
  COMPREPLY=()
  _wsd_join
  current=${joined[-1]}
  if [[ ${#joined[@]} -le 2 ]]; then
    kind=$_wsd_commands' help'
    [[ $current != -* ]] || kind='--help --version'
    mapfile -t COMPREPLY < <(compgen -W "$kind" -- "$current")
    return
  fi
  option=${joined[-2]}
  if [[ $current == --*=* ]]; then
    option=${current%%=*}
    prefix=$option=
    kind=$(_wsd_value "${joined[1]}" "$option")
  elif [[ $option == -* ]]; then
    kind=$(_wsd_value "${joined[1]}" "$option")
  fi
  if [[ ! $kind && ! $prefix ]]; then
    if [[ $current == -* ]]; then
      kind="words $(_wsd_options "${joined[1]}")"
    elif [[ $(_wsd_count_arguments) == 0 ]]; then
      kind=$(_wsd_argument "${joined[1]}")
    fi
  fi
  [[ $kind ]] || return
  # shellcheck disable=SC2086  # a kind and its words
  mapfile -t COMPREPLY < <(_wsd_values ${kind%% *} "${current#"$prefix"}" ${kind#"${kind%% *}"})
  COMPREPLY=("${COMPREPLY[@]/#/"$prefix"}")
  # Bash replaces the last piece alone.
  local before=${current%"$piece"}
  COMPREPLY=("${COMPREPLY[@]#"$before"}")
  # A directory gets its slash, and a name with spaces its backslashes.
  case $kind in
    file | directory | key-file | app*) compopt -o filenames 2>/dev/null ;;
  esac
}

complete -F _wsd wsd
