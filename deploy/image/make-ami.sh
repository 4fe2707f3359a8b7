#!/usr/bin/env bash
# Makes an AMI: starts an Amazon Linux 2023 machine, provisions it from the package, stops it, and takes its image.
# Needs the AWS CLI with the permissions of deploy/iam/deployer.json, and a package from build-package.
#
# Usage: make-ami.sh --package FILE --bucket BUCKET --subnet SUBNET
#                    [--architecture x86_64|arm64] [--type TYPE] [--name NAME]
#   --bucket   any bucket of yours in the region; the package is there for the duration, and read by a link of one hour
#   --subnet   a subnet with a way out to S3 and to Amazon Linux's packages
set -euo pipefail

architecture=x86_64 type="" name="" package="" bucket="" subnet=""
while (($# > 0)); do
  case $1 in
    --package) package=$2 ;;
    --bucket) bucket=$2 ;;
    --subnet) subnet=$2 ;;
    --architecture) architecture=$2 ;;
    --type) type=$2 ;;
    --name) name=$2 ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
[[ -f $package && -n $bucket && -n $subnet ]] || { sed -n '5,9s/^# //p' "$0" >&2; exit 2; }
[[ -n $type ]] || case $architecture in arm64) type=t4g.small ;; *) type=t3.small ;; esac
digest=$(sha256sum "$package" | cut -c1-12)
name=${name:-image-classifier-$architecture-$digest}

existing=$(aws ec2 describe-images --owners self --filters "Name=name,Values=$name" \
  --query 'Images[0].ImageId' --output text)
if [[ $existing != None ]]; then
  echo "$existing"
  exit 0
fi

key=image-classifier-packages/$digest.tar.gz
instance=""
clean_up() {
  if [[ -n $instance ]]; then aws ec2 terminate-instances --instance-ids "$instance" > /dev/null; fi
  aws s3 rm --quiet "s3://$bucket/$key"
}
trap clean_up EXIT
aws s3 cp --quiet "$package" "s3://$bucket/$key"
link=$(aws s3 presign "s3://$bucket/$key" --expires-in 3600)

# The machine says on its console how it went, and stops either way.
user_data=$(mktemp)
cat > "$user_data" <<PROVISION
#!/bin/bash
trap 'shutdown -h now' EXIT
set -euo pipefail
mkdir /root/package
curl --silent --show-error --fail '$link' | tar --extract --gzip --directory /root/package
/root/package/image/provision
rm -rf /root/package
cloud-init clean --logs --machine-id
rm -f /etc/ssh/ssh_host_*
echo IMAGE-CLASSIFIER-PROVISIONED > /dev/console
PROVISION

base=$(aws ssm get-parameter --query Parameter.Value --output text \
  --name "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-$architecture")
instance=$(aws ec2 run-instances --image-id "$base" --instance-type "$type" --subnet-id "$subnet" \
  --user-data "file://$user_data" --instance-initiated-shutdown-behavior stop \
  --metadata-options HttpTokens=required,HttpPutResponseHopLimit=1 \
  --tag-specifications "ResourceType=instance,Tags=[{Key=Name,Value=$name-build}]" \
  --query 'Instances[0].InstanceId' --output text)
rm -f "$user_data"
echo "Provisioning on $instance" >&2
aws ec2 wait instance-running --instance-ids "$instance"
aws ec2 wait instance-stopped --instance-ids "$instance"

console=$(aws ec2 get-console-output --instance-id "$instance" --latest --query Output --output text)
if [[ $console != *IMAGE-CLASSIFIER-PROVISIONED* ]]; then
  echo "Provisioning failed; the console says:" >&2
  tail -n 60 <<< "$console" >&2
  exit 1
fi

image=$(aws ec2 create-image --instance-id "$instance" --name "$name" \
  --description "ImageClassifier, package sha256 $digest" --query ImageId --output text)
aws ec2 wait image-available --image-ids "$image"
echo "$image"
