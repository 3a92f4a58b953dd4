# Runs ../shared/reference/joint_reference.py and prints its speed, and the most memory it had, as one line of JSON.
# usage: joint.py joint_reference.py MODEL_DIR DATA_DIR [its options]
import contextlib, io, json, re, resource, runpy, sys
sys.argv = sys.argv[1:]
said = io.StringIO()
try:
    with contextlib.redirect_stdout(said):
        runpy.run_path(sys.argv[0], run_name='__main__')
except SystemExit:
    pass
speed = re.search(r'speed \S+: ([\d.]+) examples/s, (\d+) tokens/s', said.getvalue())
print(json.dumps(dict(examplesPerSecond=float(speed[1]), tokensPerSecond=int(speed[2]), peakRssMB=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)))
