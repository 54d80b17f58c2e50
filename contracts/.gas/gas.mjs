import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import { readFileSync } from 'node:fs'
import * as v from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { hardhat } from 'viem/chains'
const art=(p)=>JSON.parse(readFileSync(new URL('../../artifacts/contracts/src/'+p,import.meta.url)))
const N=art('NeighborhoodRegistry.sol/NeighborhoodRegistry.json'),S=art('ServerRegistry.sol/ServerRegistry.json'),T=art('test-tokens/DevToken.sol/DevToken.json')
const M='test test test test test test test test test test test junk'
const hre=await createHardhatRuntimeEnvironment({networks:{chain:{type:'edr-simulated',chainType:'l1',chainId:31337,hardfork:process.env.FORK??'osaka',accounts:{mnemonic:M,count:3}}}},{},import.meta.dirname)
const srv=await hre.network.createServer('chain','127.0.0.1',0); const {address,port}=await srv.listen()
const transport=v.http(`http://${address}:${port}`)
const w=(i)=>v.createWalletClient({account:mnemonicToAccount(M,{addressIndex:i}),chain:hardhat,transport}).extend(v.publicActions)
const op=w(0)
const dep=async(a,args=[])=>{const h=await op.deployContract({abi:a.abi,bytecode:a.bytecode,args});const r=await op.waitForTransactionReceipt({hash:h});console.log('deploy',r.gasUsed);return r.contractAddress}
const t=await dep(T),n=await dep(N),s=await dep(S,[n])
const tx=async(label,a)=>{const h=await (a.c??op).writeContract(a);const r=await op.waitForTransactionReceipt({hash:h});console.log(label.padEnd(40),r.gasUsed);if(process.env.TRACE&&label.startsWith(process.env.TRACE))await trace(h);return r}
async function trace(h){const t=await (await fetch(`http://${address}:${port}`,{method:'POST',headers:{'content-type':'application/json'},body:JSON.stringify({jsonrpc:'2.0',id:1,method:'debug_traceTransaction',params:[h,{disableMemory:true,disableStack:false,disableStorage:true}]})})).json()
const logs=t.result.structLogs;const by={};for(let i=0;i<logs.length;i++){const l=logs[i];let c=l.gasCost;if(['CALL','STATICCALL'].includes(l.op)){const nx=logs[i+1];if(nx&&nx.depth>l.depth)c=c-nx.gas;}
const k='d'+l.depth+' '+(['SSTORE','SLOAD','CALL','STATICCALL','LOG4','LOG3','SHA3','KECCAK256','CODECOPY','CALLDATACOPY','TSTORE','TLOAD'].includes(l.op)?l.op+' '+c:'other');by[k]??={n:0,g:0};by[k].n++;by[k].g+=c}
for(const k of Object.keys(by).sort())console.log('   ',k.padEnd(24),by[k].n,by[k].g)
const seg=[];let last=logs[0].gas;for(const l of logs){if(l.depth===1&&['SSTORE','SLOAD','CALL','STATICCALL','LOG4','LOG3','TSTORE'].includes(l.op)){seg.push(l.op+' gas '+l.gas+' (+'+(last-l.gas)+') cost '+l.gasCost+' '+(l.op[0]==='S'?l.stack.at(-1):''));last=l.gas-(l.op.includes('CALL')?0:l.gasCost)}}
console.log(seg.join('\n'))}
const D=86400
await tx('create',{address:n,abi:N.abi,functionName:'create',args:['Poker','https://poker.example/',v.keccak256('0x01'),{stakeToken:t,minStake:1n,unbondingSeconds:D,maxServers:64,redundancy:2,maxChannelLifetimeSeconds:D,maxChannelIdleSeconds:D,maxMessageBytes:65536}]})
await tx('mint',{address:t,abi:T.abi,functionName:'mint',args:[op.account.address,10n**30n]})
await tx('approve max',{address:t,abi:T.abi,functionName:'approve',args:[s,process.env.FINITE?10n**28n:2n**256n-1n]})
const ORD=0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
for(let i=1;i<=10;i++){
 const k=await crypto.subtle.generateKey({name:'ECDSA',namedCurve:'P-256'},false,['sign','verify'])
 const pt=v.bytesToHex(new Uint8Array(await crypto.subtle.exportKey('raw',k.publicKey)))
 const keyX=v.slice(pt,1,33),keyY=v.slice(pt,33,65),endpoint=`https://relay-${i}.example.com`
 const st={neighborhood:1,operator:op.account.address,keyX,keyY,endpointHash:v.keccak256(v.stringToBytes(endpoint)),deadline:2000000000n}
 const types={ServerKey:[['neighborhood','uint32'],['operator','address'],['keyX','bytes32'],['keyY','bytes32'],['endpointHash','bytes32'],['deadline','uint256']].map(([name,type])=>({name,type}))}
 const pre=v.concat(['0x1901',v.domainSeparator({domain:{name:'Dred ServerRegistry',version:'1',chainId:31337,verifyingContract:s}}),v.hashStruct({data:st,primaryType:'ServerKey',types})])
 const sig=v.bytesToHex(new Uint8Array(await crypto.subtle.sign({name:'ECDSA',hash:'SHA-256'},k.privateKey,v.hexToBytes(pre))))
 let ss=BigInt(v.slice(sig,32,64)); if(ss>ORD/2n)ss=ORD-ss
 const reg={neighborhood:1,stake:10n**18n,payout:w(1).account.address,keyX,keyY,endpoint,did:'did:web:operator.example.com',deadline:2000000000n,r:v.slice(sig,0,32),s:v.numberToHex(ss,{size:32})}
 await tx('register '+i,{address:s,abi:S.abi,functionName:'register',args:[reg]})
}
await tx('addStake',{address:s,abi:S.abi,functionName:'addStake',args:[1,10n]})
await tx('setEndpoint',{address:s,abi:S.abi,functionName:'setEndpoint',args:[1,'https://other.example.com']})
await tx('requestExit 1',{address:s,abi:S.abi,functionName:'requestExit',args:[1]})
await tx('requestExit 2',{address:s,abi:S.abi,functionName:'requestExit',args:[2]})
const c=v.createTestClient({mode:'hardhat',chain:hardhat,transport}); await c.increaseTime({seconds:D}); await c.mine({blocks:1})
await tx('withdraw 1 (payout had no token)',{address:s,abi:S.abi,functionName:'withdraw',args:[1]})
await tx('withdraw 2',{address:s,abi:S.abi,functionName:'withdraw',args:[2]})
await srv.close()
