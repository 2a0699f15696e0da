# SPDX-License-Identifier: Apache-2.0
# test: timeout=120
"""Programs signed with Debian's minisign: what verifies, and what each way to be wrong is told."""
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import unittest

from graphs import BROKER, BUILD
from tampering import change_line, flip, other_letter

STREAMCTL = BUILD / "bin/streamctl"
COMMENT = "streambroker1 name={name} version={version} arch={arch}"
PROGRAM = "#!/bin/sh\ntouch \"$(dirname \"$0\")/ran\"\n"


class Signed:
    """A folder with keys, made by minisign, and the programs that they sign."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sb-signed-"))
        self.folder.chmod(0o755)
        self.keys = self.folder / "keys"
        self.keys.mkdir(mode=0o755)
        self.state = self.folder / "state"
        self.environment = {**os.environ, "STATE_DIRECTORY": str(self.state)}
        self.key("mine")
        shutil.copy(self.folder / "mine.pub", self.keys)

    def close(self):
        shutil.rmtree(self.folder)

    def minisign(self, *arguments):
        return subprocess.run(["minisign", *map(str, arguments)], check=True, capture_output=True, text=True).stdout

    def key(self, name):
        """Makes a pair without a password and returns the id of the key."""
        self.minisign("-G", "-W", "-p", self.folder / f"{name}.pub", "-s", self.folder / f"{name}.key")
        return (self.folder / f"{name}.pub").read_text().splitlines()[0].split()[-1]

    def put(self, name, content=PROGRAM):
        path = self.folder / name
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        path.chmod(0o755)
        return path

    def sign(self, path, *more, key="mine", name=None, version="1.0.0", arch=None):
        comment = COMMENT.format(name=name or path.name, version=version, arch=arch or platform.machine())
        self.minisign("-S", "-s", self.folder / f"{key}.key", "-m", path, "-t", comment, *more)
        return pathlib.Path(f"{path}.minisig")

    def signed(self, name="blur", **how):
        path = self.put(name)
        return path, self.sign(path, **how)

    def verify(self, path, keys=True):
        arguments = ["--keys", str(self.keys)] if keys else []
        done = subprocess.run([str(STREAMCTL), "verify", *arguments, str(path)], capture_output=True, text=True,
                              env=self.environment, check=False)
        assert not (self.folder / "ran").exists(), "it was executed"
        return done


class Verify(unittest.TestCase):
    def setUp(self):
        self.at = Signed()
        self.addCleanup(self.at.close)

    def refused(self, path, words):
        done = self.at.verify(path)
        self.assertEqual(done.returncode, 77, done.stdout + done.stderr)
        self.assertIn(words, done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def test_what_minisign_signed_verifies(self):
        """R-SIGN-003"""
        path, _ = self.at.signed()
        key = (self.at.keys / "mine.pub").read_text().splitlines()[0].split()[-1]
        done = self.at.verify(path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(f"key {key}, name blur, version 1.0, architecture {platform.machine()}", done.stdout)
        # The same with the two programs' views exchanged: minisign finds ours good as well.
        self.assertIn("verified", self.at.minisign("-V", "-m", path, "-p", self.at.keys / "mine.pub"))

    def test_each_case_has_a_message_of_its_own(self):
        """R-SIGN-004 R-SIGN-003"""
        seen = {}

        def case(words, break_it, **how):
            path, signature = self.at.signed(**how)
            break_it(path, signature)
            message = self.refused(path, words)
            message = message.split(": ", 1)[1]
            self.assertNotIn(message, seen, f"{words} and {seen.get(message)} are told alike")
            seen[message] = words

        case("its bytes are not those that were signed", lambda path, _: flip(path, 20))
        case("its signature was changed", lambda _, sig: change_line(sig, 1, lambda line: other_letter(line, 40)))
        case("its trusted comment is not the one that was signed",
             lambda _, sig: change_line(sig, 2, lambda line: line.replace("version=1", "version=9")))
        case("by a key that is not trusted", lambda _, sig: change_line(sig, 1, lambda line: other_letter(line, 6)))
        case("lines 3 and 4 are missing",
             lambda _, sig: sig.write_text("".join(sig.read_text().splitlines(True)[:2])))
        case("the fourth line of its signature is not base64",
             lambda _, sig: sig.write_text("".join(sig.read_text().splitlines(True)[:3])))
        case("the second line of its signature is not base64",
             lambda _, sig: change_line(sig, 1, lambda line: line + "AAAA"))
        case("something follows the fourth line", lambda _, sig: sig.write_text(sig.read_text() + "junk\n"))
        case("of the legacy kind", lambda path, _: self.at.sign(path, "-l"))
        case("for a processor of another name", lambda path, _: self.at.sign(path, name="gain"))
        case("for another architecture", lambda path, _: self.at.sign(path, arch="pdp11"))
        case("it has no signature", lambda _, sig: sig.unlink())
        case("its signature file is empty", lambda _, sig: sig.write_text(""))
        case("it is empty", lambda path, _: path.write_bytes(b""))
        case("it is larger than what is checked", lambda path, _: os.truncate(path, 2 << 30))
        case("its trusted comment is not 'streambroker1 name=",
             lambda path, _: self.at.minisign("-S", "-s", self.at.folder / "mine.key", "-m", path))
        self.assertEqual(len(seen), 16)

    def test_the_signature_of_another_file_does_not_fit(self):
        """R-SIGN-004"""
        _, signature = self.at.signed("gain")
        path = self.at.put("blur", PROGRAM + "# another\n")
        shutil.copy(signature, f"{path}.minisig")
        self.refused(path, "its bytes are not those that were signed")
        # The same bytes under another name are still another processor.
        path = self.at.put("blur")
        self.refused(path, "it is signed as 'gain', and used as 'blur'")

    def test_keys_decide(self):
        """R-SIGN-008"""
        key = self.at.key("other")
        path, _ = self.at.signed(key="other")
        self.refused(path, f"by a key that is not trusted: {key}")
        shutil.copy(self.at.folder / "other.pub", self.at.keys)
        self.assertEqual(self.at.verify(path).returncode, 0)
        (self.at.keys / "revoked").write_text(f"# lost\n{key}\n")
        self.refused(path, f"by a key that was revoked: {key}")
        (self.at.keys / "revoked").write_text("nonsense\n")
        self.refused(path, f"{self.at.keys}/revoked: line 1 is not the id of a key")
        (self.at.keys / "revoked").unlink()
        self.at.keys.chmod(0o777)
        self.refused(path, f"{self.at.keys}: others than its owner may write it (mode 777)")

    def test_an_older_version_than_one_that_ran_is_refused(self):
        """R-SIGN-006"""
        self.at.state.mkdir(mode=0o700)
        (self.at.state / "versions").write_text("blur 1.10\n")
        path, _ = self.at.signed(version="1.9.3")
        self.refused(path, "it is older than a version that ran here before: 1.9.3, and 1.10 did")
        self.at.sign(path, version="1.10.0")
        self.assertEqual(self.at.verify(path).returncode, 0)

    def test_the_install_needs_no_signature(self):
        """R-SIGN-007"""
        program = BUILD / "libexec/streambroker/null-sink"
        if not program.exists():
            self.skipTest("the processors were not built")
        done = self.at.verify(program, keys=False)
        if program.parent.stat().st_mode & 0o022 or program.stat().st_mode & 0o022:
            self.assertEqual(done.returncode, 77)
        else:
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("it belongs to the install", done.stdout)

    def test_a_file_that_is_not_there_is_66(self):
        done = self.at.verify(self.at.folder / "none")
        self.assertEqual(done.returncode, 66)
        self.assertIn("No such file", done.stderr)


if __name__ == "__main__":
    if shutil.which("minisign") is None:
        print("skipped: there is no minisign")
        sys.exit(77)
    unittest.main()
