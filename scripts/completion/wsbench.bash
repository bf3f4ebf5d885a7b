# Completion for wsbench in bash: options, files, and what its values look like where there is something to choose from.
# Needs nothing but bash. Installed as share/bash-completion/completions/wsbench, or sourced by ~/.bashrc.
# shellcheck shell=bash

_wsbench() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if [[ $word == = ]]; then
    word=''
  elif [[ $before == = ]]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case $before in
    --cacert) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    --reload) mapfile -t COMPREPLY < <(compgen -c -- "$word") ;;
    --pid) mapfile -t COMPREPLY < <(cd /proc && compgen -G '[0-9]*' | while IFS= read -r pid; do
      [[ $pid != "$word"* ]] || printf '%s\n' "$pid"
    done) ;;
    -c | --connections | -t | --threads | -d | --duration | --warmup | -R | --rate | --pipeline | --timeout | -s | --size | \
      --prefix | -H | --header | --source | --ramp | --at-once | --subprotocol | --publishers | --stalled | --stay | --reload-every) ;;
    *)
      if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '-h --help -v --version -c --connections -t --threads -d --duration --warmup
          -R --rate --pipeline --timeout --connect --churn --idle --fanout --greet --stay --publishers --stalled --reload
          --reload-every -s --size --text --binary --prefix --deflate --deflate-takeover --subprotocol -H --header
          --cacert --insecure --source --ramp --at-once --pid --latency --json --go' -- "$word")
      elif [[ -z $word || ws://127.0.0.1: == "$word"* ]] && [[ $before != : ]]; then
        COMPREPLY=(ws://)
      fi
      ;;
  esac
  [[ ${COMPREPLY[*]} != ws:// ]] || compopt -o nospace 2>/dev/null
}
complete -o filenames -F _wsbench wsbench
