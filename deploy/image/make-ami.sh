#!/usr/bin/env bash
# Makes an AMI: starts an Amazon Linux 2023 machine, provisions it from the package, stops it, and takes its image.
# Needs the AWS CLI (1 or 2) with the permissions of deploy/iam/deployer-images.json, and a package from build-package.
#
# Usage: make-ami.sh --package FILE --bucket BUCKET --subnet SUBNET
#                    [--deployment DEPLOYMENT] [--architecture x86_64|arm64] [--type TYPE] [--name NAME]
#   --bucket   a bucket of yours in the region; the package lies there meanwhile, and is read by a link of an hour
#   --subnet   a subnet with a way out to S3 and to Amazon Linux's packages
#   --deployment  the stack's name: machine, image and their disks get its cost tag, image-classifier:deployment
#   --name     the image's name; if an image has it already, its id is printed and nothing is made
set -euo pipefail
export AWS_PAGER=""

fail() { printf '%s\n' "$@" >&2; exit 1; }
refuse() { printf '%s\n' "$1" >&2; sed -n '/^# Usage/,/^set/s/^# //p' "$0" >&2; exit 2; }

architecture=x86_64 type="" name="" package="" bucket="" subnet="" deployment=""
while (($# > 0)); do
  (($# > 1)) || refuse "$1 has no value."
  case $1 in
    --package) package=$2 ;;
    --bucket) bucket=$2 ;;
    --subnet) subnet=$2 ;;
    --deployment) deployment=$2 ;;
    --architecture) architecture=$2 ;;
    --type) type=$2 ;;
    --name) name=$2 ;;
    *) refuse "There is no option $1." ;;
  esac
  shift 2
done
[[ -n $package && -n $bucket && -n $subnet ]] || refuse "--package, --bucket and --subnet are needed."
[[ -f $package ]] || refuse "There is no file $package. build-package makes it."

# The two bytes of an ELF file that name its processor.
case $architecture in
  x86_64) machine=3e00 type=${type:-t3.small} ;;
  arm64) machine=b700 type=${type:-t4g.small} ;;
  *) refuse "--architecture is x86_64 or arm64, not $architecture." ;;
esac
# tar ends by SIGPIPE, because od reads no further.
built_for=$({ tar --extract --gzip --to-stdout --file "$package" program/image-classifier 2> /dev/null || true; } \
  | od --skip-bytes=18 --read-bytes=2 --address-radix=n --format=x1 2> /dev/null | tr -d ' \n') || true
[[ -n $built_for ]] || fail "$package is no package: it has no program/image-classifier. build-package makes one."
[[ $built_for == "$machine" ]] \
  || fail "The program in $package is for another processor than $architecture. Build it with build-package" \
    "x64 or arm64, and give --architecture the same."

digest=$(sha256sum "$package" | cut -c1-12)
name=${name:-image-classifier-$architecture-$digest}
# EC2 shows a change some seconds late, and a console some minutes late. Asking more often gains nothing.
pause=${MAKE_AMI_PAUSE:-15}

wait_for_image() {
  local state reason
  aws ec2 wait image-exists --image-ids "$1"
  # A large disk takes longer than the ten minutes for which the CLI's own "wait" asks.
  while ((SECONDS < 7200)); do
    read -r state reason < <(aws ec2 describe-images --image-ids "$1" \
      --query 'Images[0].[State, StateReason.Message]' --output text)
    case $state in
      available) return ;;
      pending) sleep "$pause" ;;
      *) fail "The image $1 is $state: $reason" "Deregister it, and run this again." ;;
    esac
  done
  fail "The image $1 is still not available after two hours. Look at it in EC2; the machine is ended."
}

# One tag specification: a resource type and the Name of resources of that type.
tags() {
  echo "ResourceType=$1,Tags=[{Key=Name,Value=$2}${deployment:+,{Key=image-classifier:deployment,Value=$deployment\}}]"
}

existing=$(aws ec2 describe-images --owners self --filters "Name=name,Values=$name" \
  --query 'Images[0].ImageId' --output text)
if [[ $existing != None ]]; then
  wait_for_image "$existing"
  echo "$existing"
  exit 0
fi

work=$(mktemp -d)
key=image-classifier-packages/$digest.tar.gz
instance=""
clean_up() {
  rm -rf "$work"
  if [[ -n $instance ]]; then
    aws ec2 terminate-instances --instance-ids "$instance" > /dev/null \
      || echo "$instance is still there, and costs. End it: aws ec2 terminate-instances --instance-ids $instance" >&2
  fi
  aws s3 rm --quiet "s3://$bucket/$key" || echo "s3://$bucket/$key is still there. Delete it." >&2
}
trap clean_up EXIT
aws s3 cp --quiet "$package" "s3://$bucket/$key"
link=$(aws s3 presign "s3://$bucket/$key" --expires-in 3600)

# The machine has no credentials, only this link. A link that fails is cheaper to find here.
answer=$(curl --silent --show-error --output /dev/null --range 0-0 --write-out '%{http_code}' "$link") || true
[[ $answer == 200 || $answer == 206 ]] \
  || fail "S3 answers $answer to the link to the package, so the machine could not read it. Take a bucket in the" \
    "CLI's own region. The AWS CLI 1 may sign links in a way that new buckets and KMS keys refuse. Change it with:" \
    "aws configure set default.s3.signature_version s3v4"

# The machine writes the outcome to its console, and stops in any case.
cat > "$work/user-data" <<PROVISION
#!/bin/bash
read -r uptime _ < /proc/uptime
outcome=FAILED
trap 'echo "IMAGE-CLASSIFIER-\$outcome" > /dev/console; shutdown -h now' EXIT
set -euo pipefail
# A step that hangs must not cost money for ever.
shutdown -h +40
mkdir /root/package
curl --silent --show-error --fail --retry 5 --retry-connrefused '$link' \
  | tar --extract --gzip --directory /root/package
/root/package/image/provision
# An image is good without this.
start=\$(/root/package/image/measure-start "\$uptime" 2>&1) || true
/root/package/image/forget-machine
rm -rf /root/package
outcome="PROVISIONED \$start"
PROVISION

base=$(aws ssm get-parameter --query Parameter.Value --output text \
  --name "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-$architecture")
instance=$(aws ec2 run-instances --image-id "$base" --instance-type "$type" --subnet-id "$subnet" \
  --user-data "file://$work/user-data" --instance-initiated-shutdown-behavior stop \
  --metadata-options HttpTokens=required,HttpPutResponseHopLimit=1 \
  --tag-specifications "$(tags instance "$name-build")" "$(tags volume "$name-build")" \
  --query 'Instances[0].InstanceId' --output text)
echo "Provisioning on $instance. It takes five to ten minutes." >&2
aws ec2 wait instance-exists --instance-ids "$instance"

# --latest shows the current console, but only Nitro types have it.
console() {
  local options
  for options in --latest ""; do
    # shellcheck disable=SC2086 # No option is no argument.
    aws ec2 get-console-output --instance-id "$instance" $options --query Output --output text 2> "$work/refusal" \
      && return
  done
  cat "$work/refusal" >&2
  return 1
}
give_up() { fail "$1" "The console's last lines:" "$(tail -n 60 <<< "$output")"; }

# What a new machine takes from its launch to its first poll, by what this one measured.
tell_start() {
  local figures='IMAGE-CLASSIFIER-PROVISIONED kernel=([0-9]+) boot=([0-9.]+) program=([0-9.]+)' ec2
  if [[ $output =~ $figures ]]; then
    ec2=$((BASH_REMATCH[1] - $(date --date "$launched" +%s)))
    LC_ALL=C awk -v ec2="$ec2" -v boot="${BASH_REMATCH[2]}" -v program="${BASH_REMATCH[3]}" -v type="$type" 'BEGIN {
      printf "From launch to the first poll: at least %.1f s ", ec2 + boot + program
      printf "(EC2 %d s, boot %.1f s, program %.1f s), measured on this %s.\n", ec2, boot, program, type
    }'
    echo "A node takes longer: EC2 loads its disk from S3, it calls AWS, and it tries threads and batches for its model."
  else
    echo "The time from launch to the first poll could not be measured." \
      "$(sed -n 's/.*IMAGE-CLASSIFIER-PROVISIONED //p' <<< "$output")"
  fi
}

output="" stopped_after=""
while true; do
  read -r state launched reason < <(aws ec2 describe-instances --instance-ids "$instance" \
    --query 'Reservations[0].Instances[0].[State.Name, LaunchTime, StateReason.Message]' --output text)
  output=$(console)
  case $state in
    stopped)
      if [[ $output == *IMAGE-CLASSIFIER-PROVISIONED* ]]; then break; fi
      stopped_after=${stopped_after:-$SECONDS}
      ((SECONDS - stopped_after < 900)) || give_up "$instance stopped, and its console does not say that it is ready."
      ;;
    shutting-down | terminated)
      # One cause is a KMS key for disks that the account may not use.
      give_up "EC2 ended $instance: $reason" ;;
  esac
  if [[ $output == *IMAGE-CLASSIFIER-FAILED* ]]; then give_up "A step on $instance failed."; fi
  ((SECONDS < 3600)) || give_up "$instance is not ready after an hour."
  sleep "$pause"
done

(tell_start >&2) || true
image=$(aws ec2 create-image --instance-id "$instance" --name "$name" \
  --description "ImageClassifier, package sha256 $digest" --query ImageId --output text \
  --tag-specifications "$(tags image "$name")" "$(tags snapshot "$name")")
echo "Taking the image $image" >&2
wait_for_image "$image"
echo "$image"
