import {getLlama} from "node-llama-cpp";
// usage: node peer.mjs MODEL THREADS LENGTHS DECODE
const [,, path, threads, lengths, decode] = process.argv;
const llama = await getLlama({gpu:false, build:"never", logLevel:"error", maxThreads:+threads});
const model = await llama.loadModel({modelPath:path, useMmap:false});
for (const n of lengths.split(",").map(Number)) {
  const context = await model.createContext({contextSize:n+256, batchSize:512, threads:+threads});
  const seq = context.getSequence();
  const ids=[]; let x=12345; for(let i=0;i<n;i++){x=(x*1103515245+12345)%2147483648; ids.push(100+(x>>8)%40000);}
  const cpu=()=>{const c=process.cpuUsage();return (c.user+c.system)/1e6}; let c0=cpu(); let t0=performance.now();
  await seq.evaluateWithoutGeneratingNewTokens(ids.slice(0,-1));
  let t1=performance.now(); let c1=cpu(), c2=0, c3=0;
  let c=0,t2=0,t3=0;
  for await (const tok of seq.evaluate([ids[n-1]],{temperature:0, yieldEogToken:true})) { c++; if(c==1){t2=performance.now();c2=cpu();} if(c>+decode){t3=performance.now();c3=cpu();break;} }
  console.log(JSON.stringify({peer:"llama.cpp",length:n,prefillTokensPerSecond:(n-1)/((t1-t0)/1e3),decodeTokensPerSecond:(c-1)/((t3-t2)/1e3),prefillTokensPerProcessorSecond:(n-1)/(c1-c0),decodeTokensPerProcessorSecond:(c-1)/(c3-c2),threads:+threads}));
  await context.dispose();
}
process.exit(0);
