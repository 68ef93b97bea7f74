// Draws the services of a scenario as nodes of React Flow and moves messages along its edges, as an application would do: custom
// nodes and edges, and a state that changes with each frame. The benchmark sets `window.crowd` before.
import { BaseEdge, ReactFlow, getBezierPath, Handle, Position } from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { createContext, memo, useContext, useEffect, useMemo, useRef, useState } from "react";
import { createRoot } from "react-dom/client";

const { services, wires, messages, latency } = window.crowd;
const Time = createContext(0);

const Service = memo(({ data }) => (
  <div style={{ width: 240, height: 120, border: "1px solid #999", borderRadius: 12, background: "white", fontSize: 13 }}>
    <Handle type="target" position={Position.Left} />
    <b>{data.name}</b>
    <div>key-0 <code>50</code> v1</div>
    <div>key-1 <code>50</code> v1</div>
    <div>idle, 4 rows</div>
    <Handle type="source" position={Position.Right} />
  </div>
));

function Wire({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, data }) {
  const time = useContext(Time);
  const path = useMemo(
    () => getBezierPath({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition })[0],
    [sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition],
  );
  const curve = useRef(null);
  if (!curve.current || curve.current.getAttribute("d") !== path) {
    curve.current = document.createElementNS("http://www.w3.org/2000/svg", "path");
    curve.current.setAttribute("d", path);
    curve.current.length = curve.current.getTotalLength();
  }
  return (
    <>
      <BaseEdge path={path} />
      {data.phases.map((phase, index) => {
        const at = curve.current.getPointAtLength(((time / latency + phase) % 1) * curve.current.length);
        return <rect key={index} x={at.x - 6} y={at.y - 6} width="12" height="12" rx="3" fill="#5336c8" />;
      })}
    </>
  );
}

const nodeTypes = { service: Service };
const edgeTypes = { wire: Wire };
const nodes = services.map(({ id, x, y }) => ({ id, type: "service", position: { x, y }, data: { name: id } }));
const share = messages / wires.length;
const edges = wires.map(([source, target], index) => {
  const count = Math.floor((index + 1) * share) - Math.floor(index * share);
  const phases = Array.from({ length: count }, (_, n) => ((index * 7919 + n * 104729) % 1000) / 1000);
  return { id: `${source} ${target}`, source, target, type: "wire", data: { phases } };
});

function App() {
  const [time, setTime] = useState(0);
  useEffect(() => {
    const start = performance.now();
    let request = requestAnimationFrame(function frame(now) {
      setTime(now - start);
      request = requestAnimationFrame(frame);
    });
    return () => cancelAnimationFrame(request);
  }, []);
  return (
    <Time.Provider value={time}>
      <ReactFlow defaultNodes={nodes} defaultEdges={edges} nodeTypes={nodeTypes} edgeTypes={edgeTypes} minZoom={0.02} fitView onInit={() => { window.drawn = true; }} />
    </Time.Provider>
  );
}

createRoot(document.getElementById("root")).render(<App />);
